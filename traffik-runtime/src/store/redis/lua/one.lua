-- Decides one plan under one law.
-- KEYS: the key of the plan. ARGV[1]: its cost and the parameters of its law; ARGV[2]: the time in
-- microseconds, if it is not the server's; ARGV[3]: the pairs that its law needs.
-- Answer: 1 or 0 for admitted or refused, the time, and the state.
local now, late, pairs_of_law = ARGV[2], 86400000, ARGV[3]
if now then
  -- The clock of the caller may stand still while that of the server advances, so keys live a day
  -- longer.
  now = tonumber(now)
end
if not now then
  local time = redis.call('TIME')
  now, late = time[1] * 1000000 + time[2], 0
end
local cost, l1, l2, l3, l4, l5, l6, l7, l8, l9 = struct.unpack('>dddddddddd', ARGV[1])
local value = redis.call('GET', KEYS[1])
local kind, power, limit, period, at, a, b, c, records, place = 0
-- The time until which a refusal extended the life of the state, its number, and the place after
-- it.
local extended_until, state_number, own_end = 0, nil, nil
if value and value:byte(1) == VERSION then
  kind, power, limit, period, at, a, b, c, records, place, state_number = read(value, 2)
  own_end = place
  if kind > 0 and place <= #value then
    extended_until, place = read_extension(value, place)
    -- Of several rates' states, the one of the same period is used, or the first (law L30; guide,
    -- chapter laws).
    local from, same, is_list = 2, period == l2, place <= #value
    while kind > 0 and place <= #value do
      local this, next_place, other_extended = place, nil, 0
      kind, power, limit, period, at, a, b, c, records, place = read(value, this)
      if kind > 0 then
        next_place = place
        other_extended, place = read_extension(value, place)
        if period == l2 and not same then
          from, same, extended_until, own_end = this, true, other_extended, next_place
        end
      end
    end
    if kind > 0 and is_list then
      kind, power, limit, period, at, a, b, c, records, place, state_number = read(value, from)
    end
  end
end
if cost == 0 then return struct.pack('>Bd', 1, now) .. (value or '') end
if kind == 0 or not state_number then state_number = next_number() end
local is_single, refused = true, false
local fits, ends, keeps, filled, lives_until, needed_until, before, after, expires
