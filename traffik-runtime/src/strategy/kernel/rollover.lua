-- A count whose limit grows by a part of what the window before left unused; beside rollover.rs.
-- Law: limit, period, the part in hundred-millionths, the most that is carried over.
local function rollover_carry(law, used)
  local unused, part = math.max(law[2] - used, 0), law[4]
  -- unused · part / 10^8, rounded down, in steps that stay exact.
  local high, low = unused * floor(part / 10000), unused * (part % 10000)
  local carried = floor(high / 10000) + floor((high % 10000 * 10000 + low) / 100000000)
  return math.min(law[5], carried)
end

local function rollover_at(period, state, now)
  if state.kind ~= ROLLOVER then return now - now % period, 0, 0 end
  local at = math.max(now, state.at)
  local windows = floor((at - state.at) / state.period)
  if state.period ~= period then return at - at % period, 0, windows == 0 and state.b or 0 end
  if windows == 0 then return state.at, state.a, state.b end
  if windows == 1 then return state.at + period, state.b, 0 end
  return at - at % period, 0, 0
end

kernels[ROLLOVER] = function(law, state, now, cost)
  local limit, period = law[2], law[3]
  local start, previous, current = rollover_at(period, state, now)
  if current + cost > limit + rollover_carry(law, previous) then return nil end
  return {
    kind = ROLLOVER, power = 0, limit = limit, period = period,
    at = start, a = math.min(previous, 4294967295), b = math.min(current + cost, 68719476735),
    ends = start + 2 * period,
  }
end
