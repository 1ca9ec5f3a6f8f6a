-- Decides groups of plans, one after the other, so that each sees what the earlier ones have
-- counted. The plans of a group are counted all or not at all; no group depends on another.
-- KEYS: the keys of the plans, group by group. ARGV[1]: the laws; ARGV[2]: the groups, each as the
-- number of its plans, and for each plan the number of its laws, its cost, and the places of its
-- laws in ARGV[1]; a group of no plans is a refund; ARGV[3]: the time in microseconds, if it is not
-- the server's.
-- Answer: for each plan its state as a decision reports it; the only one is not in a list. Before
-- that of the first plan of a group are 1 or 0 for admitted or refused, and the time. A group that
-- met an error, before it wrote anything, has a 2 and the error there.
local laws, groups, now, late = ARGV[1], ARGV[2], ARGV[3], 86400000
if now then
  -- The clock of the caller may stand still while that of the server advances, so keys live a day
  -- longer.
  now = tonumber(now)
else
  local time = redis.call('TIME')
  now, late = time[1] * 1000000 + time[2], 0
end

local time_text = struct.pack('>d', now)
local answer, key_number, next_group = {}, 0, 1
-- The law that was read last: the number of its kernel, its parameters, and the pairs that some
-- laws need.
local place_of_law, kernel, l1, l2, l3, l4, l5, l6, l7, l8, l9, pairs_of_law = 0
while key_number < #KEYS do
  local plans, count, cost, place, after_group = struct.unpack('>HHdI4', groups, next_group)
  if plans == 1 and count == 1 then
    next_group, key_number = after_group, key_number + 1
    if place ~= place_of_law then
      local parameters
      place_of_law, kernel, parameters = place, laws:byte(place, place + 1)
      if parameters == 3 then
        l1, l2, l3 = struct.unpack('>ddd', laws, place + 2)
        if kernel == 8 then pairs_of_law = laws:sub(place + 26, place + 25 + 16 * l3) end
      elseif parameters == 5 then
        l1, l2, l3, l4, l5 = struct.unpack('>ddddd', laws, place + 2)
      else
        l1, l2, l3, l4, l5, l6, l7, l8, l9 = struct.unpack('>ddddddddd', laws, place + 2)
      end
    end
