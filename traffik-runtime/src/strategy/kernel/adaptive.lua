-- A count whose limit is cut under load; beside adaptive.rs.
-- Law: limit, period, threshold, reduction, recovery and least share in millionths, and whether the application's own
-- signal is above the threshold: 1 or 0, or more if it has none.
local WHOLE = 1000000

local function adaptive_at(period, recovery, state, now)
  if state.kind ~= ADAPTIVE then return now - now % period, 0, WHOLE, 0 end
  local at = math.max(now, state.at)
  local windows = floor((at - state.at) / state.period)
  if windows == 0 then
    local start = state.period == period and state.at or at - at % period
    return start, state.a, state.b, state.c
  end
  -- A millionth a window is the slowest recovery.
  local calm = math.min(windows - state.c, WHOLE)
  return at - at % period, 0, math.min(WHOLE, state.b + calm * recovery), 0
end

kernels[ADAPTIVE] = function(law, state, now, cost)
  local limit, period, threshold, reduction, recovery, least, loaded =
    law[2], law[3], law[4], law[5], law[6], law[7], law[8]
  local start, count, share, cut = adaptive_at(period, recovery, state, now)
  count = count + cost
  if count > floor(limit * share / WHOLE) then return nil end
  local above = loaded == 1
  if loaded > 1 then above = count * WHOLE > limit * threshold end
  if cut == 0 and above then
    share, cut = math.max(floor(share * reduction / WHOLE), least), 1
  end
  local windows = math.max(ceil(WHOLE - share, recovery) + (share < WHOLE and cut or 0), 1)
  return {
    kind = ADAPTIVE, power = 0, limit = limit, period = period,
    at = start, a = count, b = share, c = cut, ends = start + period * windows,
  }
end
