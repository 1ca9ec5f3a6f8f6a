refused = not fits
if refused and not filled then
  if needs and math.min(needs, EXACT) > lives then
    value = lengthen(value, own_end, needs)
    local ttl = math.min(math.max(ceil(needs - now, 1000), 1) + late, 1e14)
    ttl = math.max(ttl, redis.call('PTTL', KEYS[1]))
    redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', ttl))
    longer = math.min(needs, EXACT)
  end
  if lasts then
    -- The key's time to live is that of the parameters under which the state was last seen (L30).
    local ttl = math.min(math.max(ceil(lasts - now, 1000), 1) + late, 1e14)
    if ttl > redis.call('PTTL', KEYS[1]) + 2 + late / 86400 then
      redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', ttl))
    end
  end
  if before then
    value = HEAD .. before
    if longer > 0 then value = value .. struct.pack('>Bd', 10, longer) end
  end
  return struct.pack('>Bd', 0, now) .. (value or '')
end
if refused then
  ends, keeps = filled, false
end
-- What takes the place of another state is another one.
if filled then made = next_number() end
value = HEAD .. write(kind, power, limit, period, at, a, b, c, records, made)
if keeps then
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
else
  local ttl = math.min(math.max(ceil(ends - now, 1000), 1) + late, 1e14)
  redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', ttl))
end
if after or before then value = HEAD .. (after or before) end
return struct.pack('>Bd', refused and 0 or 1, now) .. value
