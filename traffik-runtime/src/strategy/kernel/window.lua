-- A count in windows aligned to the epoch; the twin of window.rs.
-- Parameters: l1 limit, l2 period, l3 limit in force.
do
  if kind == 1 and at - now > l2 then
    power, limit, period, at, a = 0, l1, l2, now - now % l2, l3
    filled = at + l2
  end
  local t, count = now, 0
  if kind == 1 then
    if t < at then t = at end
    if t - at < period then count = a end
  end
  local start = t - t % l2
  -- The sum is not computed, because above 2^53 it would be rounded.
  fits = count <= l3 - cost
  if fits then
    keeps = kind == 1 and at == start and period == l2
    kind, power, limit, period, at, a = 1, 0, l1, l2, start, count + cost
    ends = start + l2
  end
end
