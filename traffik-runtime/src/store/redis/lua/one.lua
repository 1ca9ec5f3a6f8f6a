    -- One plan under one law.
    local key, value, failed = keys[key_number]
    if kernel == 6 and cost > 0 then
      value = redis.pcall('GETRANGE', key, 0, LONG_LOG - 1)
    else
      value = redis.pcall('GET', key)
    end
    if value and value.err then
      -- A value of another type is no state.
      if not value.err:find('WRONGTYPE', 1, true) then failed = value.err end
      value = false
    end
    local kind, power, limit, period, at, a, b, c, records, state_end = 0
    -- The time until which a refusal extended the life of the state, its number, and the place
    -- after it.
    local extended_until, state_number, own_end = 0, nil, nil
    -- True if the state is at its usual place in the value, and its number as well.
    local is_read = false
    -- A long log: see log.lua.
    local records_before, length, newest_record, added, added_at, header = 0
    if value and cost > 0 then
      if kernel == 6 then
