-- A level that leaks; beside meter.rs.
-- Law: limit, period, power of ten of the tick, the tick, largest cost, units of the level in one of cost, how many of
-- them leak in a tick, and the tolerance in units, or a number beyond 2^53 if the whole cost needs room.
local function meter_units(limit, ticks)
  return ticks / gcd(limit, ticks)
end

local function meter_at(law, state, now)
  local tick, units = law[5], law[7]
  now = floor(now / tick)
  if state.kind ~= METER then return now, 0 end
  local last = ceil(state.at, tick)
  local at, level = math.max(now, last), state.a
  if state.period ~= law[3] or state.limit ~= law[2] or state.power ~= law[4] then
    local cost = ceil(level, meter_units(state.limit, floor(state.period / 10 ^ state.power)))
    level = math.min(cost, floor(EXACT / units)) * units
  end
  return at, leaked(level, at - last, law[8])
end

kernels[METER] = function(law, state, now, cost)
  local tick, largest, units, leak, tolerance = law[5], law[6], law[7], law[8], law[9]
  if cost > largest then return nil end
  local at, level = meter_at(law, state, now)
  local highest = tolerance > EXACT and (largest - cost) * units or tolerance
  if level > highest then return nil end
  level = level + cost * units
  return {
    kind = METER, power = law[4], limit = law[2], period = law[3],
    at = at * tick, a = level, ends = (at + ceil(level, leak)) * tick,
  }
end
