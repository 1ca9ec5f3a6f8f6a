-- A level that leaks the more slowly the more the last hits cost; beside mean.rs.
-- Law: limit, period, power of ten of the tick, the tick, capacity, units of the level in one of cost, how many of them
-- leak in a tick for each thousandth of the factor, how many costs are remembered, the least factor in thousandths.
-- The state's records are costs, oldest first.
local COST, THOUSAND = 8, 1000

local function mean_at(law, state, now)
  local tick, units, leak = law[5], law[7], law[8]
  now = floor(now / tick)
  if state.kind ~= MEAN then return now, 0 end
  local last = ceil(state.at, tick)
  local at, level = math.max(now, last), state.a
  if state.period ~= law[3] or state.limit ~= law[2] or state.power ~= law[4] then
    local ticks = THOUSAND * floor(state.period / 10 ^ state.power)
    local cost = ceil(level, ticks / gcd(state.limit, ticks))
    level = math.min(cost, floor(EXACT / units)) * units
  end
  return at, leaked(level, at - last, leak * state.b)
end

kernels[MEAN] = function(law, state, now, cost)
  local tick, capacity, units, leak, window, least = law[5], law[6], law[7], law[8], law[9], law[10]
  if cost > capacity then return nil end
  local at, level = mean_at(law, state, now)
  if level > (capacity - cost) * units then return nil end
  local records, sum = '', 0
  if level > 0 then records, sum = state.records, state.c end
  records, sum = records .. struct.pack('>d', cost), sum + cost
  while #records > window * COST do
    sum = sum - struct.unpack('>d', records, 1)
    records = records:sub(COST + 1)
  end
  local factor = math.max(least, floor(THOUSAND * #records / COST / sum))
  level = level + cost * units
  return {
    kind = MEAN, power = law[4], limit = law[2], period = law[3],
    at = at * tick, a = level, b = factor, c = sum, records = records,
    ends = (at + ceil(level, leak * factor)) * tick,
  }
end
