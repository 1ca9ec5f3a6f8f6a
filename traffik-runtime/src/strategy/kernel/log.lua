-- A log of every hit of the last period; the twin of log.rs.
-- Parameters: l1 limit, l2 period, l3 limit in force. A record is a time and a cost, oldest first.
do
  rare = rare or make_rare()
  local sum, t, newest, newest_cost, first, valid = 0, now, -1, 0, 1, true
  if kind == 6 and #records > 0 then
    sum = a
    newest, newest_cost = struct.unpack('>dd', records, #records - 15)
    valid = rare.is_whole(newest, 0, EXACT) and rare.is_whole(newest_cost, 1, sum)
    if valid and newest - now > l2 then
      records, power, limit, period, at, a = struct.pack('>dd', now, l1), 0, l1, l2, 0, l1
      newest, newest_cost, sum, filled = now, l1, l1, now + l2
    end
    if period ~= l2 then
      lives_until = math.max(newest + period, extended_until)
      if lives_until <= now then
        sum, records, newest = 0, '', -1
      else
        needed_until = newest + l2
      end
    end
    if t < newest then t = newest end
    while valid and first < #records do
      local counted, spent = struct.unpack('>dd', records, first)
      valid = counted >= 0 and counted <= newest and spent >= 1 and spent <= sum
      if not valid or counted + l2 > t then break end
      first, sum = first + 16, sum - spent
    end
    -- A log with a malformed record counts as empty, and so does one whose records have all
    -- expired.
    if not valid or first < #records and sum < newest_cost then
      records, t, newest, first, sum, valid = '', now, -1, 1, 0, false
    elseif first > #records then
      sum = 0
    end
  else
    records = ''
  end
  fits = sum <= l3 - cost
  if kind == 6 and not (fits and is_single) then
    local wanted = cost > l3 and 0 or sum + cost - l3
    local entries = valid and rare.summarize(records, first, sum, math.max(1, sum + 1 - l3), wanted)
    before = entries and write(6, power, limit, period, at, sum, nil, nil, entries) or false
  end
  if fits and not refused then
    if newest == t and first < #records then
      records = records:sub(first, -17) .. struct.pack('>dd', t, newest_cost + cost)
    else
      records = records:sub(first) .. struct.pack('>dd', t, cost)
    end
    kind, power, limit, period, at, a = 6, 0, l1, l2, 0, sum + cost
    ends = t + l2
    after = write(6, 0, l1, l2, 0, a, nil, nil, rare.summarize(records, 1, a, 1, 0) or records, state_number)
  end
end
