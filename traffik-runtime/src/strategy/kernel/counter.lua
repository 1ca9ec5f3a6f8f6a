-- The counts of two windows, of which the older one is weighted; the twin of counter.rs.
-- Parameters: l1 limit, l2 period, l3 power of ten of the tick, l4 tick, l5 window in ticks.
do
  local tick, window = l4, l5
  local t, start, previous, current = floor(now / tick), nil, 0, 0
  if kind == 2 and ceil(at / tick) - t > window then
    power, limit, period, at, a, b = l3, l1, l2, (t - t % window) * tick, 0, l1
    filled = at + 2 * l2
  end
  if kind == 2 then
    local first = ceil(at / tick)
    if t < first then t = first end
    local max_count = floor(EXACT / window)
    if period ~= l2 then
      local end_of_old = at + period * (b > 0 and 2 or 1)
      if t < ceil(end_of_old / tick) then current = a + b end
      if current > max_count then current = max_count end
    else
      start = floor(at / tick)
      local windows = floor((t - start) / window)
      if windows == 0 then
        previous, current = a < max_count and a or max_count, b < max_count and b or max_count
      elseif windows == 1 then
        start, previous = start + window, b < max_count and b or max_count
      else
        start = nil
      end
    end
  end
  start = start or t - t % window
  local room = l1 - current - cost
  fits = room >= 0 and previous * (window - (t - start)) <= room * window
  if fits then
    keeps = kind == 2 and at == start * tick and period == l2 and b > 0
    kind, power, limit, period, at, a, b = 2, l3, l1, l2, start * tick, previous, current + cost
    ends = at + 2 * l2
  end
end
