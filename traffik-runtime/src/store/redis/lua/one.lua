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
    local length, newest_record, records_before, added, added_at, header = nil, nil, 0, nil, nil, nil
    if value and cost > 0 then
      local size, version = #value, nil
      if kernel == 6 then
        if size > LOG_RECORDS then
          version, kind, power, limit, period, at, a = struct.unpack('>BBBdddd', value)
          if version == VERSION and kind == 8 and power == 16 and limit == l1 and period == l2 then
            if size == LONG_LOG then size = redis.call('STRLEN', key) end
            length = (size - LOG_RECORDS) / 16
            is_read = length % 1 == 0
              and at >= 0 and at < length and at % 1 == 0
              and a >= 0 and a <= EXACT and a % 1 == 0
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
      elseif size == 43 or size == 51 or size == 59 then
        -- States of this law that are complete are read here, because most are, and reading them
        -- as the others takes longer than the rest of a decision.
        version, kind, power, limit, period, at, a = struct.unpack('>BBBdddd', value)
        if
          version == VERSION
          and limit == l1
          and period == l2
          and at >= 0
          and at <= EXACT
          and at % (kind == 3 and 1 or l2) == 0
          and a >= 0
          and a <= EXACT
          and a % 1 == 0
        then
          if size == 43 then
            is_read = kernel == 3 and kind == 3 and power == 16 + l3
              or (kernel == 1 or kernel == 8) and kind == 1 and power == 16
          elseif size == 51 then
            b = struct.unpack('>d', value, 44)
            is_read = (kernel == 2 and kind == 2 and power == 16 + l3 or kernel == 4 and kind == 4 and power == 16)
              and b >= 0 and b <= EXACT and b % 1 == 0
          else
            b, c = struct.unpack('>dd', value, 44)
            is_read = kernel == 5 and kind == 5 and power == 16
              and b >= 0 and b <= 1000000 and b % 1 == 0 and (c == 0 or c == 1)
          end
          power = power - 16
        end
      end
      if not is_read then kind = 0 end
      if not is_read and value:byte(1) == VERSION then
        rare = rare or make_rare()
        kind, power, limit, period, at, a, b, c, records, state_end, state_number = rare.read(value, 2)
        own_end = state_end
        if kind > 0 and state_end <= #value then
          extended_until, state_end = rare.read_extension(value, state_end)
          -- Of several rates' states, the one of the same period is used, or the first (law L30;
          -- guide, chapter laws).
          local from, same, is_list = 2, period == l2, state_end <= #value
          while kind > 0 and state_end <= #value do
            local this, next_place, other_extended = state_end, nil, 0
            kind, power, limit, period, at, a, b, c, records, state_end = rare.read(value, this)
            if kind > 0 then
              next_place = state_end
              other_extended, state_end = rare.read_extension(value, state_end)
              if period == l2 and not same then
                from, same, extended_until, own_end = this, true, other_extended, next_place
              end
            end
          end
          if kind > 0 and is_list then
            kind, power, limit, period, at, a, b, c, records, state_end, state_number =
              rare.read(value, from)
          end
        end
      end
    end
    if failed then
      answer[key_number] = '\2' .. failed
    elseif cost == 0 then
      answer[key_number] = '\1' .. time_text .. (value or '')
    else
      if not is_read and (kind == 0 or not state_number) then
        if not server_time then
          rare = rare or make_rare()
          server_time = rare.next_number()
        end
        state_number = server_time
      end
      local is_single, refused = true, false
      local fits, ends, keeps, filled, lives_until, needed_until, before, after, expires
