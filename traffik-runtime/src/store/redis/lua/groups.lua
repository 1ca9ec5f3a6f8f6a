-- Decides groups of plans, one after the other, so that each sees what the earlier ones have
-- counted. The plans of a group are counted all or not at all; no group depends on another.
-- KEYS: the keys of the plans, group by group. ARGV[1]: the laws; ARGV[2]: the groups, each as the
-- number of its plans, and for each plan the number of its laws, its cost, and the places of its
-- laws in ARGV[1]; ARGV[3]: the time in microseconds, if it is not the server's.
-- Answer: for each plan its state as a decision reports it. That of the first plan of a group is
-- behind 1 or 0 for admitted or refused, and the time; or behind a 2 is the error that the group
-- met before it wrote anything.
local laws, groups, now, late = ARGV[1], ARGV[2], ARGV[3], 86400000
if now then
  -- The clock of the caller may stand still while that of the server advances, so keys live a day
  -- longer.
  now = tonumber(now)
else
  local time = redis.call('TIME')
  now, late = time[1] * 1000000 + time[2], 0
end

-- Returns the law at a place: the number of its kernel, up to nine parameters, and the pairs that
-- some laws need.
local function read_law(place)
  local kernel, count = laws:byte(place, place + 1)
  if count == 3 then
    local l1, l2, l3 = struct.unpack('>ddd', laws, place + 2)
    if kernel ~= 8 then return kernel, l1, l2, l3 end
    return kernel, l1, l2, l3, nil, nil, nil, nil, nil, nil, laws:sub(place + 26, place + 25 + 16 * l3)
  end
  if count == 5 then return kernel, struct.unpack('>ddddd', laws, place + 2) end
  return kernel, struct.unpack('>ddddddddd', laws, place + 2)
end

-- Returns the value of a key, or false and an error. A value of another type is no state.
local function get(key)
  local value = redis.pcall('GET', key)
  if not value or not value.err then return value end
  if value.err:find('WRONGTYPE', 1, true) then return false end
  return false, value.err
end

-- Sets the value of a key, which then ends after some milliseconds, or as late as before. Returns
-- an error if it was not set.
local function set(key, value, ttl)
  if not ttl then return redis.pcall('SET', key, value, 'KEEPTTL').err end
  return redis.pcall('SET', key, value, 'PX', string.format('%.0f', ttl)).err
end

local admitted_head, refused_head = struct.pack('>Bd', 1, now), struct.pack('>Bd', 0, now)
local answer, key_number, next_group = {}, 0, 1
-- The law that was read last.
local place_of_law, kernel, l1, l2, l3, l4, l5, l6, l7, l8, l9, pairs_of_law = 0
while key_number < #KEYS do
  local plans, count, cost, place, after_group = struct.unpack('>HHdI4', groups, next_group)
  if plans == 1 and count == 1 then
    next_group, key_number = after_group, key_number + 1
    if place ~= place_of_law then
      place_of_law = place
      kernel, l1, l2, l3, l4, l5, l6, l7, l8, l9, pairs_of_law = read_law(place)
    end
