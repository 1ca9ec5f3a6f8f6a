-- Decides one plan under one law. KEYS: its key. ARGV[1]: its cost and the numbers of its law; ARGV[2]: the time in
-- microseconds, if it is not the server's; ARGV[3]: what else its law needs.
-- Answer: whether it was admitted, the time, and the state.
local now, late, pairs_of_law = ARGV[2], 86400000, ARGV[3]
if now then
  -- A time that was brought along may stand still while the server's goes on.
  now = tonumber(now)
end
if not now then
  local time = redis.call('TIME')
  now, late = time[1] * 1000000 + time[2], 0
end
local cost, l1, l2, l3, l4, l5, l6, l7, l8, l9 = struct.unpack('>dddddddddd', ARGV[1])
local value = redis.call('GET', KEYS[1])
local kind, power, limit, period, at, a, b, c, records, place = 0
-- How long a refusal has let the state live, its number, and the place after it.
local longer, made, own_end = 0, nil, nil
if value and value:byte(1) == VERSION then
  kind, power, limit, period, at, a, b, c, records, place, made = read(value, 2)
  own_end = place
  if kind > 0 and place <= #value then
    longer, place = lengthened(value, place)
    -- If it was kept under several rates, that of the same period goes on, else the first (L30).
    local from, same, is_list = 2, period == l2, place <= #value
    while kind > 0 and place <= #value do
      local this, after, until_then = place, nil, 0
      kind, power, limit, period, at, a, b, c, records, place = read(value, this)
      if kind > 0 then
        after = place
        until_then, place = lengthened(value, place)
        if period == l2 and not same then
          from, same, longer, own_end = this, true, until_then, after
        end
      end
    end
    if kind > 0 and is_list then kind, power, limit, period, at, a, b, c, records, place, made = read(value, from) end
  end
end
if cost == 0 then return struct.pack('>Bd', 1, now) .. (value or '') end
if kind == 0 or not made then made = next_number() end
local is_alone, refused = true, false
local fits, ends, keeps, filled, lives, needs, before, after, lasts
