-- Every hit of the last period; beside log.rs. Law: limit, period, how much of the limit may be taken.
-- A record is a time and a cost, oldest first.
do
  local sum, t, newest, together, first = 0, now, -1, 0, 1
  if kind == 6 and #records > 0 then
    sum = a
    newest, together = struct.unpack('>dd', records, #records - 15)
    if newest - now > l2 then
      records, power, limit, period, at, a = struct.pack('>dd', now, l1), 0, l1, l2, 0, l1
      newest, together, sum, filled = now, l1, l1, now + l2
    end
    if t < newest then t = newest end
    while first < #records do
      local made, spent = struct.unpack('>dd', records, first)
      if made + l2 > t then break end
      first, sum = first + 16, sum - spent
    end
  else
    records = ''
  end
  fits = sum <= l3 - cost
  if fits then
    if newest == t and first < #records then
      records = records:sub(first, -17) .. struct.pack('>dd', t, together + cost)
    else
      records = records:sub(first) .. struct.pack('>dd', t, cost)
    end
    kind, power, limit, period, at, a = 6, 0, l1, l2, 0, sum + cost
    ends = t + l2
  end
end
