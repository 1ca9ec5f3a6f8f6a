-- A log of every hit of the last period; the twin of log.rs.
-- Parameters: l1 limit, l2 period, l3 limit in force. A record is a time and the total of all costs
-- up to its own, oldest first; `a` is the total before the first.
--
-- A long log stays in its key. `length` is then its number of records, of which the first `at` are
-- dead, `newest_record` the last one, and `records` some from the last dead one on, after
-- `records_before` others. If there is no `length`, or no more after the hit, `records` are all.
-- The record of the hit, `added`, comes after them.
do
  local count = kind == 6 and (length or #records / 16) or 0
  local t, newest, top, first, base, sum = now, -1, 0, 1, 0, 0
  local is_malformed, oldest_at, oldest_total, record = false, nil, nil, nil
  if count > 0 then
    if length then
      newest, top = struct.unpack('>dd', newest_record)
    else
      newest, top = struct.unpack('>dd', records, #records - 15)
    end
    base = a
    if length and at > 0 then
      first, base = at + 1, struct.unpack('>d', records, 16 * (at - records_before) - 7)
    end
    -- A log with malformed records counts as empty.
    is_malformed = not (newest >= 0 and newest <= EXACT and newest % 1 == 0)
      or not (base >= 0 and base < top and base % 1 == 0 and top <= EXACT and top % 1 == 0)
    if not is_malformed and newest - now > l2 then
      records, records_before, filled = struct.pack('>dd', now, l1), 0, now + l2
      length, power, limit, period, at, a = nil, 0, l1, l2, 0, 0
      count, newest, top, first, base = 1, now, l1, 1, 0
    elseif not is_malformed and period ~= l2 then
      lives_until = math.max(newest + period, extended_until)
      if lives_until > now then needed_until = newest + l2 end
    end
    if is_malformed or lives_until and not needed_until then
      count, newest, top, first, base = 0, -1, 0, 1, 0
    end
  end
  if t < newest then t = newest end
  if newest + l2 <= t then
    first = count + 1
  elseif count > 0 then
    -- Mostly, few have expired that had not before.
    local place = 16 * (first - records_before) - 15
    local last_place = math.min(#records - 15, place + 240)
    while place <= last_place do
      oldest_at, oldest_total = struct.unpack('>dd', records, place)
      if oldest_at + l2 > t then break end
      first, base, place = first + 1, oldest_total, place + 16
    end
    if place > last_place then
      rare = rare or make_rare()
      record = rare.record_reader(key, LOG_RECORDS, records, records_before)
      first, base, oldest_at, oldest_total = rare.skip_expired(record, first, count, base, l2, t)
    end
    sum = top - base
  end
  fits = sum <= l3 - cost
  if kind == 6 and not (fits and is_single) then
    local more, wanted = math.max(1, sum + 1 - l3), cost > l3 and 0 or sum + cost - l3
    local entries = ''
    if sum > 0 and more == 1 and wanted <= 1 then
      entries = struct.pack('>dd', oldest_at, oldest_total)
      if first < count then entries = entries .. struct.pack('>dd', newest, top) end
    elseif sum > 0 then
      rare = rare or make_rare()
      record = record or rare.record_reader(key, LOG_RECORDS, records, records_before)
      entries = rare.summarize(record, first, count, base, sum, more, wanted)
    end
    before = not is_malformed
      and struct.pack('>BBddddI4', 6, power, limit, period, 0, base, #entries / 16) .. entries
  end
  if fits and not refused then
    local is_empty, is_same, entries = first > count, newest == t, nil
    if length and not is_empty and 3 * (first - 1) <= count and top + cost <= EXACT then
      added = struct.pack('>dd', t, top + cost)
      added_at = LOG_RECORDS + 16 * (is_same and count - 1 or count)
      if first - 1 - at >= 8 then header = struct.pack('>d', first - 1) end
      entries = added
      if first < count or not is_same then
        entries = struct.pack('>dd', oldest_at, oldest_total) .. added
      end
    else
      if is_empty then
        records, top, base = '', 0, 0
      elseif length then
        records = redis.call('GETRANGE', key, LOG_RECORDS + 16 * (first - 1), -1)
      elseif first > 1 then
        records = records:sub(16 * first - 15)
      end
      if top + cost > EXACT then
        rare = rare or make_rare()
        records, top, base = rare.rebase(records, base), top - base, 0
      end
      if is_same then records = records:sub(1, -17) end
      added = struct.pack('>dd', t, top + cost)
      length, entries = nil, records:sub(1, 16) .. added
    end
    kind, power, limit, period, at, a = 6, 0, l1, l2, 0, base
    ends = t + l2
    after = struct.pack('>BBdddd', 6, 16, l1, l2, 0, base)
      .. state_number
      .. struct.pack('>I4', #entries / 16)
      .. entries
  end
end
