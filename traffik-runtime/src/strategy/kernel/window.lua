-- A count in windows aligned to the epoch; beside window.rs. Law: limit, period, limit in force.
local function window_at(period, state, now)
  if state.kind ~= WINDOW then return now - now % period, 0 end
  now = math.max(now, state.at)
  local running = now - state.at < state.period
  if running and state.period == period then return state.at, state.a end
  return now - now % period, running and state.a or 0
end

local function window_after(limit, period, start, count)
  return { kind = WINDOW, power = 0, limit = limit, period = period, at = start, a = count, ends = start + period }
end

kernels[WINDOW] = function(law, state, now, cost)
  local limit, period, most = law[2], law[3], law[4]
  local start, count = window_at(period, state, now)
  if count + cost > most then return nil end
  return window_after(limit, period, start, count + cost)
end
