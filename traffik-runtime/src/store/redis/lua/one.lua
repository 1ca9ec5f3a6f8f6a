    -- One plan under one law.
    local key = KEYS[key_number]
    local value, failed = redis.pcall('GET', key), nil
    if value and value.err then
      -- A value of another type is no state.
      if not value.err:find('WRONGTYPE', 1, true) then failed = value.err end
      value = false
    end
    local kind, power, limit, period, at, a, b, c, records, state_end = 0
    -- The time until which a refusal extended the life of the state, its number, and the place
    -- after it.
    local extended_until, state_number, own_end = 0, nil, nil
    if cost > 0 and value and value:byte(1) == VERSION then
      kind, power, limit, period, at, a, b, c, records, state_end, state_number = read(value, 2)
      own_end = state_end
      if kind > 0 and state_end <= #value then
        rare = rare or make_rare()
        extended_until, state_end = rare.read_extension(value, state_end)
        -- Of several rates' states, the one of the same period is used, or the first (law L30;
        -- guide, chapter laws).
        local from, same, is_list = 2, period == l2, state_end <= #value
        while kind > 0 and state_end <= #value do
          local this, next_place, other_extended = state_end, nil, 0
          kind, power, limit, period, at, a, b, c, records, state_end = read(value, this)
          if kind > 0 then
            next_place = state_end
            other_extended, state_end = rare.read_extension(value, state_end)
            if period == l2 and not same then
              from, same, extended_until, own_end = this, true, other_extended, next_place
            end
          end
        end
        if kind > 0 and is_list then
          kind, power, limit, period, at, a, b, c, records, state_end, state_number = read(value, from)
        end
      end
    end
    if failed then
      answer[key_number] = '\2' .. failed
    elseif cost == 0 then
      answer[key_number] = '\1' .. time_text .. (value or '')
    else
      if kind == 0 or not state_number then state_number = next_number() end
      local is_single, refused = true, false
      local fits, ends, keeps, filled, lives_until, needed_until, before, after, expires
