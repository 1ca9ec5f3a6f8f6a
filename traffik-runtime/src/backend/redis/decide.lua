-- Decides plans: all are checked, then all are written, or none.
--
-- KEYS: one for each plan. ARGV[1]: the time in microseconds, or nothing for the server's. ARGV[2]: for each plan its
-- cost and its laws, each the number of its kernel and what that needs.
-- Answer: the time, whether all were admitted, and the states.
local EMPTY = {}

-- Each law's own state: that of the same period, else that in the same place (L30); as Plan::seen in plan.rs.
local function own_states(laws, states)
  local free, found = {}, {}
  for place = 1, #states do free[place] = true end
  for law = 2, #laws do
    for place = 1, #states do
      if free[place] and not found[law] and (states[place].period == laws[law][3] or #laws + #states == 3) then
        free[place], found[law] = false, states[place]
      end
    end
  end
  for law = 2, #laws do
    if not found[law] and free[law - 1] then found[law] = states[law - 1] end
  end
  return found
end

local now, late = tonumber(ARGV[1]), 0
if now then
  -- A time that was brought along may stand still while the server's goes on.
  late = 86400000
else
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

local plans, seen, values, writes = cmsgpack.unpack(ARGV[2]), {}, {}, {}
local answer = { now, 1 }
for place, laws in ipairs(plans) do
  local cost = laws[1]
  local key = KEYS[place]
  if seen[key] == nil then
    seen[key] = redis.call('GET', key)
    values[key] = seen[key]
  end
  local value = values[key]
  answer[place + 2] = value or ''
  if cost > 0 then
    local found = own_states(laws, read_states(value))
    local text, ends = { string.char(VERSION) }, 0
    for law = 2, #laws do
      local after = kernels[laws[law][1]](laws[law], found[law] or EMPTY, now, cost)
      if not after then
        answer[2] = 0
        break
      end
      text[law], ends = write_state(after), math.max(ends, after.ends)
    end
    if answer[2] == 1 then
      value = table.concat(text)
      writes[#writes + 1] = { key, value, ends }
      answer[place + 2] = value
    end
  end
  values[key] = value
end

if answer[2] == 0 then
  -- Whoever is refused is told of the states as they are.
  for place in ipairs(plans) do answer[place + 2] = seen[KEYS[place]] or '' end
  return answer
end
for _, write in ipairs(writes) do
  local ttl = math.min(math.max(ceil(write[3] - now, 1000), 1) + late, 1e14)
  redis.call('SET', write[1], write[2], 'PX', string.format('%.0f', ttl))
end
return answer
