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
