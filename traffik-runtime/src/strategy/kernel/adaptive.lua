-- A count whose limit is reduced under load; the twin of adaptive.rs.
-- Parameters: l1 limit, l2 period, l3 threshold, l4 reduction, l5 recovery and l6 least share,
-- these four in millionths; l7 is 1 or 0 if the application's signal is above the threshold or not,
-- and greater if there is no signal.
do
  -- Returns this many millionths of the limit, rounded down. Every intermediate number is exact.
  local function part(millionths)
    return floor(l1 / 1000000) * millionths + floor(l1 % 1000000 * millionths / 1000000)
  end
  if kind == 5 and at - now > l2 then
    power, limit, period, at, a = 0, l1, l2, now - now % l2, part(b)
    filled = at + l2 * math.max(ceil((1000000 - b) / l5) + c, 1)
  end
  local t, start, count, share, cut, window = now, nil, 0, 1000000, 0, at
  if kind == 5 then
    if t < at then t = at end
    local windows = floor((t - at) / period)
    if windows == 0 then
      if period == l2 then start = at end
      count, share, cut = a, b, c
    else
      -- The slowest recovery is a millionth per window.
      local calm = math.min(windows - c, 1000000)
      share, window = math.min(1000000, b + calm * l5), at + windows * period
    end
  end
  start = start or t - t % l2
  if share < 1000000 and not filled then
    expires = window + period * (ceil((1000000 - share) / l5) + cut)
  end
  fits = count <= part(share) - cost
  if fits then
    count = count + cost
    local above = l7 == 1
    if l7 > 1 then above = count > part(l3) end
    if cut == 0 and above then
      share, cut = math.max(floor(share * l4 / 1000000), l6), 1
    end
    kind, power, limit, period, at, a, b, c = 5, 0, l1, l2, start, count, share, cut
    local windows = ceil((1000000 - share) / l5)
    if share < 1000000 then windows = windows + cut end
    ends = start + l2 * math.max(windows, 1)
  end
end
