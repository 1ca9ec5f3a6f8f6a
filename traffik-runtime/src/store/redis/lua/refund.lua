  elseif plans == 0 then
    -- Refunds a part of a hit (law L32; guide, chapter laws): the units in place of the cost, the
    -- time at which the hit was counted, and for each of its rates the limit, the period and the
    -- number of the state that counted it. The twin of refund.rs for windows, counters, meters and
    -- rollovers; all other states stay as they are.
    key_number = key_number + 1
    local key, units = KEYS[key_number], cost
    local counted_at, rates = struct.unpack('>d', groups, next_group + 12), next_group + 20
    next_group = rates + 24 * count

    -- Returns the largest limit among the rates of a state, or nil for a state that never counted
    -- the hit.
    local function limit_of(period, state_number)
      local found
      for rate = 0, count - 1 do
        local limit, other_period, place_of_number = struct.unpack('>dd', groups, rates + 24 * rate)
        local number = groups:sub(place_of_number, place_of_number + 7)
        if other_period == period and number == state_number then found = math.max(found or 0, limit) end
      end
      return found
    end

    local value, failed = redis.pcall('GET', key), nil
    if value and value.err then
      if not value.err:find('WRONGTYPE', 1, true) then failed = value.err end
      value = false
    end
    local text, from, changes, state_place = '', 1, false, 2
    rare = rare or make_rare()
    while value and value:byte(1) == VERSION and state_place <= #value do
      local kind, power, limit, period, at, a, b, c, records, state_end, state_number = read(value, state_place)
      if kind == 0 then
        changes = false
        break
      end
      local limit_then = state_number and limit_of(period, state_number)
      if limit_then then
        -- The clock stands still at the time of the state.
        local t, before_a, before_b = math.max(now, at), a, b
        local is_of_window = counted_at >= at and counted_at - at < period
        local is_open = is_of_window and t - at < period
        if kind == 1 and is_open then
          a = math.max(0, a - units)
        elseif kind == 4 and is_open then
          b = math.max(0, b - units)
        elseif kind == 2 and is_of_window then
          b = math.max(0, b - units)
        elseif kind == 2 and counted_at < at and at - counted_at <= period then
          a = math.max(0, a - units)
        elseif kind == 3 then
          local tick = 10 ^ power
          local counted_tick, ticks = floor(counted_at / tick), floor(period / tick)
          if counted_tick <= floor(at / tick) then
            local common = rare.gcd(limit, ticks)
            local leaked = math.max(0, floor(t / tick) - counted_tick) * (limit / common)
            -- A larger limit than the present one may have leaked faster meanwhile.
            if limit_then > limit then leaked = math.ceil(leaked * limit_then / limit * (1 + 2 ^ -50)) end
            a = math.max(0, a - math.max(0, units * (ticks / common) - leaked))
          end
        end
        if a ~= before_a or b ~= before_b then
          changes = true
          text = text
            .. value:sub(from, state_place - 1)
            .. write(kind, power, limit, period, at, a, b, c, records, state_number)
          from = state_end
        end
      end
      local _
      _, state_place = rare.read_extension(value, state_end)
    end
    if changes and not failed then failed = redis.pcall('SET', key, text .. value:sub(from), 'KEEPTTL').err end
    answer[key_number] = failed and '\2' .. failed or '\1' .. time_text
