-- Appends the record of a hit to a long log, or replaces the newest one, and renews its life.
-- `failed` is an error of the server, which wrote nothing then.
do
  local written = redis.pcall('SETRANGE', key, added_at, added)
  if type(written) == 'table' then
    failed = written.err
  else
    if header then redis.call('SETRANGE', key, 19, header) end
    redis.call('PEXPIRE', key, ttl)
  end
end
