      end
      if fits then
        text = text .. write(kind, power, limit, period, at, a, b, c, records)
        if ends > latest then latest = ends end
        keep = keep and keeps
      else
        refused = true
      end
    end
  end
  if cost > 0 and not refused then
    writes[#writes + 1] = { key, text, latest, keep }
    values[key] = text
  end
  answer[plan + 1] = values[key] or ''
end

if refused then
  -- Whoever is refused is told of the states as they are.
  for plan = 1, #KEYS do answer[plan + 1] = seen[KEYS[plan]] or '' end
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
