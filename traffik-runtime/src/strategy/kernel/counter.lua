-- Two window counts, the older one weighted; beside counter.rs.
-- Law: limit, period, power of ten of the tick, the tick, the window in ticks.
do
  local tick, window = l4, l5
  local t, start, previous, current = floor(now / tick), nil, 0, 0
  if kind == 2 and ceil(at, tick) - t > window then
    power, limit, period, at, a, b = l3, l1, l2, (t - t % window) * tick, 0, l1
    filled = at + 2 * l2
  end
  if kind == 2 then
    local first = ceil(at, tick)
    if t < first then t = first end
    local most = floor(EXACT / window)
    if period ~= l2 then
      local gone = at + period * (b > 0 and 2 or 1)
      if t < ceil(gone, tick) then current = a + b end
      if current > most then current = most end
    else
      start = floor(at / tick)
      local windows = floor((t - start) / window)
      if windows == 0 then
        previous, current = a < most and a or most, b < most and b or most
      elseif windows == 1 then
        start, previous = start + window, b < most and b or most
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
