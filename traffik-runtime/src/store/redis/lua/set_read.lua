        if length then
          local place = #value + 1
          states[1] = { 6, 0, limit, period, at, a, nil, nil, records, place, 0, 2, state_number }
          states[1].length, states[1].newest_record = length, newest_record
          states[1].records_before, stored[key] = records_before, { states[1] }
        end
        original[key], values[key] = value, value
      end
      if not states[1] and cost > 0 and value and value:byte(1) == VERSION then
        local all
        states, all = own_states(laws_of_plan, value)
        stored[key] = stored[key] and all
      end
      local text, report, latest, keep, filled_until, appended = HEAD, HEAD, 0, true, nil, nil
      for law = 1, count do
        local kernel, l1, l2, l3, l4, l5, l6, l7, l8, l9, pairs_of_law = unpack(laws_of_plan[law], 1, 11)
        -- After a refusal only some states are evaluated: those ahead of the clock or of another
        -- rate, because a hit changes them even if it is refused, and logs, to report them.
        local state = states[law]
        local is_changed = state
          and (state[4] ~= l2 or state[3] ~= l1 or (kernel == 3 or kernel == 7) and state[2] ~= l3)
        if cost > 0 and (not refused or is_changed or kernel == 5 or kernel == 6 or moment(state) > now) then
          local kind, power, limit, period, at, a, b, c, records, own_end, extended_until, state_number = 0
          -- A long log: see log.lua.
          local records_before, length, newest_record, added, added_at, header = 0
          if state then
            kind, power, limit, period, at, a, b, c, records, own_end, extended_until = unpack(state, 1, 11)
            state_number = state[13]
            if state.length then
              length, newest_record = state.length, state.newest_record
              records_before = state.records_before
            end
          end
          state_number = state_number or rare.next_number()
          local fits, ends, keeps, filled, lives_until, needed_until, before, after, expires
