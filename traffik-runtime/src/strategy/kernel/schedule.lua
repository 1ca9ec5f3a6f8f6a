-- A count whose limit depends on the time of day; the twin of schedule.rs.
-- Parameters: l1 limit, l2 period, l3 number of pairs. A pair is a microsecond of a UTC day and the
-- limit from then on.
do
  local ahead = kind == 1 and at - now > l2
  local t, count = now, 0
  if kind == 1 and not ahead then
    if t < at then t = at end
    if t - at < period then count = a end
  end
  local start, current_limit = t - t % l2, 0
  for pair = 1, l3 do
    local from, limit_from_then = struct.unpack('>dd', pairs_of_law, 16 * pair - 15)
    if from <= start % 86400000000 then current_limit = limit_from_then end
  end
  if ahead then
    power, limit, period, at, a, count = 0, l1, l2, start, current_limit, current_limit
    filled = at + l2
  end
  fits = count <= current_limit - cost
  if fits then
    keeps = kind == 1 and at == start and period == l2
    kind, power, limit, period, at, a = 1, 0, l1, l2, start, count + cost
    ends = start + l2
  end
end
