-- A count whose limit grows by a part of what the previous window left unused; the twin of
-- rollover.rs.
-- Parameters: l1 limit, l2 period, l3 part in hundred-millionths, l4 greatest amount that is
-- carried over.
do
  local ahead = kind == 4 and at - now > l2
  local t, start, previous, current = now, nil, 0, 0
  if kind == 4 and not ahead then
    if t < at then t = at end
    local windows = floor((t - at) / period)
    if period ~= l2 then
      if windows == 0 then current = b end
    elseif windows == 0 then
      start, previous, current = at, a, b
    elseif windows == 1 then
      start, previous = at + l2, b
    end
  end
  start = start or t - t % l2
  -- This is unused · part / 10^8, rounded down. Every intermediate number is exact.
  local unused = previous < l1 and l1 - previous or 0
  local rest = unused % 100000000
  local high, low = rest * floor(l3 / 10000), rest * (l3 % 10000)
  local carried = floor(unused / 100000000) * l3
    + floor(high / 10000)
    + floor((high % 10000 * 10000 + low) / 100000000)
  if carried > l4 then carried = l4 end
  if ahead then
    current = l1 + carried
    power, limit, period, at, a, b = 0, l1, l2, start, 0, current
    filled = start + 2 * l2
  end
  fits = current <= l1 + carried - cost
  if fits then
    keeps = kind == 4 and at == start and period == l2 and b > 0
    kind, power, limit, period, at, a, b = 4, 0, l1, l2, start, previous, current + cost
    ends = start + 2 * l2
  end
end
