local refused = not fits
if refused then
  if not filled then return struct.pack('>Bd', 0, now) .. (value or '') end
  ends, keeps = filled, false
end
value = HEAD .. write(kind, power, limit, period, at, a, b, c, records)
if keeps then
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
else
  local ttl = math.min(math.max(ceil(ends - now, 1000), 1) + late, 1e14)
  redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', ttl))
end
return struct.pack('>Bd', refused and 0 or 1, now) .. value
