-- Reads a log of the rate `l1`, `l2` of which the first bytes are in `value`, if it is the only
-- state of its key. Then `is_read` is true, and the state is as log.lua needs it. Otherwise `value`
-- is the whole value afterwards, to be read as any other.
do
  local size, version = #value, nil
  if size > LOG_RECORDS then
    version, kind, power, limit, period, at, a = struct.unpack('>BBBdddd', value)
    if version == VERSION and kind == 8 and power == 16 and limit == l1 and period == l2 then
      if size == LONG_LOG then size = redis.call('STRLEN', key) end
      length = (size - LOG_RECORDS) / 16
      is_read = length % 1 == 0
        and (at >= 0 and at < length and at % 1 == 0)
        and (a >= 0 and a <= EXACT and a % 1 == 0)
    end
    if not is_read then
      length = nil
    elseif size < LONG_LOG and at == 0 then
      length, records = nil, value:sub(LOG_RECORDS + 1)
    elseif at == 0 or LOG_RECORDS + 16 * at + 256 <= LONG_LOG then
      records = value:sub(LOG_RECORDS + 1)
    else
      local from = LOG_RECORDS + 16 * (at - 1)
      records, records_before = redis.call('GETRANGE', key, from, from + 271), at - 1
    end
    if is_read then
      kind, power, state_number = 6, 0, value:sub(36, 43)
      if length then newest_record = redis.call('GETRANGE', key, -16, -1) end
    elseif size >= LONG_LOG then
      value = redis.call('GET', key)
    end
  end
end
