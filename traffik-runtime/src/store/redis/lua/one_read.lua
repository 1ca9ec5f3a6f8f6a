      elseif #value == 43 or #value == 51 or #value == 59 then
        local size, version = #value, nil
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
            is_read = kernel == kind
              and (kernel == 2 and power == 16 + l3 or kernel == 4 and power == 16)
              and (b >= 0 and b <= EXACT and b % 1 == 0)
          else
            b, c = struct.unpack('>dd', value, 44)
            is_read = kernel == 5
              and (kind == 5 and power == 16)
              and (b >= 0 and b <= 1000000 and b % 1 == 0)
              and (c == 0 or c == 1)
          end
          power = power - 16
        end
      end
      if not is_read then kind = 0 end
      if not is_read and value:byte(1) == VERSION then
        rare = rare or make_rare()
        kind, power, limit, period, at, a, b, c, records, state_end, state_number =
          rare.read(value, 2)
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
