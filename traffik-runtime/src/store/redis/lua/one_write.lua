        else
          if kind < 7 then
            state_number = state_number or value:sub(36, 43)
            local written = kind == 6 and 8 or kind
            value = struct.pack('>BBBdddd', VERSION, written, power + 16, limit, period, at, a)
              .. state_number
            if kind == 2 or kind == 4 then
              value = value .. struct.pack('>d', b)
            elseif kind == 5 then
              value = value .. struct.pack('>dd', b, c)
            elseif kind == 6 then
              value = value .. records .. (added or '')
            end
          else
            value = HEAD
              .. rare.write(kind, power, limit, period, at, a, b, c, records, state_number)
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
