          if needed_until and math.min(needed_until, EXACT) > lives_until and value == original[key] then
            extensions[key] = extensions[key] or {}
            table.insert(extensions[key], { own_end, needed_until })
            states[law][11] = math.min(needed_until, EXACT)
          end
          if expires and value == original[key] then
            expiries[key] = math.max(expiries[key] or 0, expires)
          end
          if fits and not refused then
            -- A state that replaces another has a new number.
            if filled then state_number = rare.next_number() end
            if length then
              appended, report = { added_at, added, header }, report .. after
            else
              if kind == 6 then records = records .. added end
              local written = count == 1 and kind == 6 and 8 or kind
              local whole_state =
                rare.write(written, power, limit, period, at, a, b, c, records, state_number)
              text, report = text .. whole_state, report .. (after or whole_state)
            end
            if ends > latest then latest = ends end
            keep = keep and keeps
          elseif not fits then
            refused = true
          end
          -- A state that is ahead of the clock is reported unchanged.
          if state and kernel == 6 and not filled then state.before = before end
          if state and state.length and (filled or not before) then
            -- A state that is ahead of the clock, or malformed, is reported whole.
            original[key], stored[key] = redis.call('GET', key), nil
          end
          if filled then
            states[law] = { kind, power, limit, period, at, a, b, c, records }
            filled_until = math.max(filled_until or 0, filled)
          end
        end
      end
      if filled_until then caught_up[#caught_up + 1] = { key, states, count, filled_until } end
      if cost > 0 and not refused then
        writes[#writes + 1] = { key, text, latest, keep, appended }
        values[key] = text
      end
      answer[before_group + plan] = cost > 0 and not refused and report or values[key] or ''
    end
    if failed then
      -- Nothing was written.
    elseif refused then
      -- A refusal reports the states as they are.
      for plan = 1, plans do
        local key = KEYS[before_group + plan]
        answer[before_group + plan] = stored[key] and original[key] and reported(original[key], stored[key])
          or original[key]
          or ''
      end
      for key, ends in pairs(expiries) do
        local ttl = math.min(math.max(ceil((ends - now) / 1000), 1) + late, 1e14)
        if ttl > redis.call('PTTL', key) + 2 + late / 86400 then
          failed = failed or set(key, original[key], ttl)
        end
      end
      for key, list in pairs(extensions) do
        -- From the last place to the first, because each extension moves the places behind it.
        table.sort(list, function(one, other) return one[1] > other[1] end)
        local value, ttl, done = original[key], redis.call('PTTL', key), nil
        for _, extension in ipairs(list) do
          if extension[1] ~= done then
            value, done = rare.extend(value, extension[1], extension[2]), extension[1]
          end
          ttl = math.max(ttl, math.min(math.max(ceil((extension[2] - now) / 1000), 1) + late, 1e14))
        end
        failed = failed or set(key, value, ttl)
      end
      for _, plan in ipairs(caught_up) do
        local key, states, count, ends = unpack(plan)
        local text, ttl = HEAD, math.max(ceil((ends - now) / 1000), 1) + late
        for law = 1, count do
          if states[law] then
            local kind, power, limit, period, at, a, b, c, records = unpack(states[law], 1, 9)
            text = text
              .. rare.write(kind, power, limit, period, at, a, b, c, records, states[law][13] or rare.next_number())
            if (states[law][11] or 0) > 0 then text = text .. struct.pack('>Bd', 10, states[law][11]) end
          end
        end
        -- The states that are not replaced live as long as before.
        if count > 1 then ttl = math.max(ttl, redis.call('PTTL', key)) end
        failed = failed or set(key, text, math.min(ttl, 1e14))
      end
    else
      for _, write in ipairs(writes) do
        local ttl = not write[4] and math.min(math.max(ceil((write[3] - now) / 1000), 1) + late, 1e14)
        local key, added_at, added, header = write[1], unpack(write[5] or {}, 1, 3)
        if failed then
          break
        elseif added then
