      refused = not fits
      if refused and not filled then
        if needed_until and math.min(needed_until, EXACT) > lives_until then
          value = rare.extend(value, own_end, needed_until)
          local ttl = math.min(math.max(ceil((needed_until - now) / 1000), 1) + late, 1e14)
          ttl = math.max(ttl, redis.call('PTTL', key))
          failed = redis.pcall('SET', key, value, 'PX', ttl).err
          extended_until = math.min(needed_until, EXACT)
        end
        if expires then
          -- The key lives as long as the state does under the current parameters (law L30).
          local ttl = math.min(math.max(ceil((expires - now) / 1000), 1) + late, 1e14)
          if ttl > redis.call('PTTL', key) + 2 + late / 86400 then
            failed = redis.pcall('SET', key, value, 'PX', ttl).err
          end
        end
        if before then
          value = HEAD .. before
          if extended_until > 0 then value = value .. struct.pack('>Bd', 10, extended_until) end
        elseif length then
          value = redis.call('GET', key)
        end
        value = value or ''
      else
        if refused then
          ends, keeps = filled, false
        end
        -- A state that replaces another has a new number.
        if filled then
          rare = rare or make_rare()
          server_time = server_time or rare.next_number()
          state_number = server_time
        end
        local ttl = 0
        if not keeps then
          ttl = ceil((ends - now) / 1000)
          if ttl < 1 then ttl = 1 end
          ttl = ttl + late
          if ttl > 1e14 then ttl = 1e14 end
        end
        if length then
          local written = redis.pcall('SETRANGE', key, added_at, added)
          if type(written) == 'table' then
            failed = written.err
          else
            if header then redis.call('SETRANGE', key, 19, header) end
            redis.call('PEXPIRE', key, ttl)
          end
        else
          if kind < 7 then
            state_number = state_number or value:sub(36, 43)
            local written = kind == 6 and 8 or kind
            value = struct.pack('>BBBdddd', VERSION, written, power + 16, limit, period, at, a) .. state_number
            if kind == 2 or kind == 4 then
              value = value .. struct.pack('>d', b)
            elseif kind == 5 then
              value = value .. struct.pack('>dd', b, c)
            elseif kind == 6 then
              value = value .. records .. (added or '')
            end
          else
            value = HEAD .. rare.write(kind, power, limit, period, at, a, b, c, records, state_number)
          end
          if keeps then
            failed = redis.pcall('SET', key, value, 'KEEPTTL').err
          else
            failed = redis.pcall('SET', key, value, 'PX', ttl).err
          end
        end
        if after or before then value = HEAD .. (after or before) end
      end
      if failed then
        answer[key_number] = '\2' .. failed
      else
        answer[key_number] = (refused and '\0' or '\1') .. time_text .. value
      end
    end
