refused = not fits
if refused and not filled then
  if needed_until and math.min(needed_until, EXACT) > lives_until then
    value = extend(value, own_end, needed_until)
    local ttl = math.min(math.max(ceil(needed_until - now, 1000), 1) + late, 1e14)
    ttl = math.max(ttl, redis.call('PTTL', KEYS[1]))
    redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', ttl))
    extended_until = math.min(needed_until, EXACT)
  end
  if expires then
    -- The key lives as long as the state does under the current parameters (law L30).
    local ttl = math.min(math.max(ceil(expires - now, 1000), 1) + late, 1e14)
    if ttl > redis.call('PTTL', KEYS[1]) + 2 + late / 86400 then
      redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', ttl))
    end
  end
  if before then
    value = HEAD .. before
    if extended_until > 0 then value = value .. struct.pack('>Bd', 10, extended_until) end
  end
  return struct.pack('>Bd', 0, now) .. (value or '')
end
if refused then
  ends, keeps = filled, false
end
-- A state that replaces another has a new number.
if filled then state_number = next_number() end
value = HEAD .. write(kind, power, limit, period, at, a, b, c, records, state_number)
if keeps then
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
else
  local ttl = math.min(math.max(ceil(ends - now, 1000), 1) + late, 1e14)
  redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', ttl))
end
if after or before then value = HEAD .. (after or before) end
return struct.pack('>Bd', refused and 0 or 1, now) .. value
