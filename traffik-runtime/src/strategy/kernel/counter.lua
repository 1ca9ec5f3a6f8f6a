-- Two window counts, the older one weighted; beside counter.rs.
-- Law: limit, period, power of ten of the tick, the tick, the window in ticks.
local function counter_ends(state)
  return state.at + state.period * (state.b > 0 and 2 or 1)
end

local function counter_at(tick, window, period, state, now)
  now = floor(now / tick)
  if state.kind ~= COUNTER then return now, now - now % window, 0, 0 end
  local at = math.max(now, ceil(state.at, tick))
  local most = floor(EXACT / window)
  local previous, current = math.min(state.a, most), math.min(state.b, most)
  if state.period ~= period then
    local both = at < ceil(counter_ends(state), tick) and state.a + state.b or 0
    return at, at - at % window, 0, math.min(both, most)
  end
  local start = floor(state.at / tick)
  local windows = floor((at - start) / window)
  if windows == 0 then return at, start, previous, current end
  if windows == 1 then return at, start + window, current, 0 end
  return at, at - at % window, 0, 0
end

kernels[COUNTER] = function(law, state, now, cost)
  local limit, period, power, tick, window = law[2], law[3], law[4], law[5], law[6]
  local at, start, previous, current = counter_at(tick, window, period, state, now)
  local room = limit - current - cost
  if room < 0 or previous * (window - (at - start)) > room * window then return nil end
  local after = {
    kind = COUNTER, power = power, limit = limit, period = period,
    at = start * tick, a = previous, b = current + cost,
  }
  after.ends = counter_ends(after)
  return after
end
