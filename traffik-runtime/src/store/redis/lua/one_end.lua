      refused = not fits
      if refused and not filled then
        if needed_until and math.min(needed_until, EXACT) > lives_until then
          value = extend(value, own_end, needed_until)
          local ttl = math.min(math.max(ceil(needed_until - now, 1000), 1) + late, 1e14)
          failed = set(key, value, math.max(ttl, redis.call('PTTL', key)))
          extended_until = math.min(needed_until, EXACT)
        end
        if expires then
          -- The key lives as long as the state does under the current parameters (law L30).
          local ttl = math.min(math.max(ceil(expires - now, 1000), 1) + late, 1e14)
          if ttl > redis.call('PTTL', key) + 2 + late / 86400 then failed = set(key, value, ttl) end
        end
        if before then
          value = HEAD .. before
          if extended_until > 0 then value = value .. struct.pack('>Bd', 10, extended_until) end
        end
        value = value or ''
      else
        if refused then
          ends, keeps = filled, false
        end
        -- A state that replaces another has a new number.
        if filled then state_number = next_number() end
        value = HEAD .. write(kind, power, limit, period, at, a, b, c, records, state_number)
        failed = set(key, value, not keeps and math.min(math.max(ceil(ends - now, 1000), 1) + late, 1e14))
        if after or before then value = HEAD .. (after or before) end
      end
      if failed then
        answer[key_number] = '\2' .. failed
      else
        answer[key_number] = (refused and refused_head or admitted_head) .. value
      end
    end
