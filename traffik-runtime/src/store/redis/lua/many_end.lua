      end
      if needs and math.min(needs, EXACT) > lives and value == seen[key] then
        lifes[key] = lifes[key] or {}
        table.insert(lifes[key], { own_end, needs })
        states[law][11] = math.min(needs, EXACT)
      end
      if lasts and value == seen[key] then last[key] = math.max(last[key] or 0, lasts) end
      if fits and not refused then
        -- What takes the place of another state is another one.
        if filled then made = next_number() end
        local whole_state = write(kind, power, limit, period, at, a, b, c, records, made)
        text, report = text .. whole_state, report .. (after or whole_state)
        if ends > latest then latest = ends end
        keep = keep and keeps
      elseif not fits then
        refused = true
      end
      -- One that is ahead of the clock is reported as it was.
      if state and kernel == 6 and not filled then state.before = before end
      if filled then
        states[law] = { kind, power, limit, period, at, a, b, c, records }
        filled_until = math.max(filled_until or 0, filled)
      end
    end
  end
  if filled_until then caught_up[#caught_up + 1] = { key, states, count, filled_until } end
  if cost > 0 and not refused then
    writes[#writes + 1] = { key, text, latest, keep }
    values[key] = text
  end
  answer[plan + 1] = cost > 0 and not refused and report or values[key] or ''
end

if refused then
  -- Whoever is refused is told of the states as they are.
  for plan, key in ipairs(KEYS) do
    answer[plan + 1] = stored[key] and seen[key] and reported(seen[key], stored[key]) or seen[key] or ''
  end
  for key, ends in pairs(last) do
    local ttl = math.min(math.max(ceil(ends - now, 1000), 1) + late, 1e14)
    if ttl > redis.call('PTTL', key) + 2 + late / 86400 then
      redis.call('SET', key, seen[key], 'PX', string.format('%.0f', ttl))
    end
  end
  for key, longer in pairs(lifes) do
    -- From the last place to the first, for each makes the value longer behind it.
    table.sort(longer, function(one, other) return one[1] > other[1] end)
    local value, ttl, done = seen[key], redis.call('PTTL', key), nil
    for _, life in ipairs(longer) do
      if life[1] ~= done then value, done = lengthen(value, life[1], life[2]), life[1] end
      ttl = math.max(ttl, math.min(math.max(ceil(life[2] - now, 1000), 1) + late, 1e14))
    end
    redis.call('SET', key, value, 'PX', string.format('%.0f', ttl))
  end
  for _, plan in ipairs(caught_up) do
    local key, states, count, ends = unpack(plan)
    local text, ttl = HEAD, math.max(ceil(ends - now, 1000), 1) + late
    for law = 1, count do
      if states[law] then
        local kind, power, limit, period, at, a, b, c, records = unpack(states[law], 1, 9)
        text = text .. write(kind, power, limit, period, at, a, b, c, records, states[law][13] or next_number())
        if (states[law][11] or 0) > 0 then text = text .. struct.pack('>Bd', 10, states[law][11]) end
      end
    end
    -- Those that stay as they are last as long as before.
    if count > 1 then ttl = math.max(ttl, redis.call('PTTL', key)) end
    redis.call('SET', key, text, 'PX', string.format('%.0f', math.min(ttl, 1e14)))
  end
else
  for _, write in ipairs(writes) do
    if write[4] then
      redis.call('SET', write[1], write[2], 'KEEPTTL')
    else
      local ttl = math.min(math.max(ceil(write[3] - now, 1000), 1) + late, 1e14)
      redis.call('SET', write[1], write[2], 'PX', string.format('%.0f', ttl))
    end
  end
end
answer[1] = struct.pack('>Bd', refused and 0 or 1, now)
return answer
