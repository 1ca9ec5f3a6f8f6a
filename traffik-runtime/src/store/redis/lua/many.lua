-- Decides plans: all are checked, then all are written, or none. KEYS: one for each plan. ARGV[1]: for each plan its cost
-- and how many laws it has, for each law its kernel, nine numbers, and the pairs that some need; ARGV[2]: the time in
-- microseconds, if it is not the server's.
-- Answer: whether all were admitted, and the time; then the states as decisions report them.
local now, late = ARGV[2], 86400000
if now then
  -- A time that was brought along may stand still while the server's goes on.
  now = tonumber(now)
end
if not now then
  local time = redis.call('TIME')
  now, late = time[1] * 1000000 + time[2], 0
end

-- Each law's own state, the place after it (10), how long a refusal has let it live (11), its own place (12) and its number
-- (13): that of the same period, else that in the same place (L30); as Plan::seen in plan.rs. And all states, in their order.
local function own_states(laws, first, count, value)
  local states, place = {}, 2
  while place <= #value do
    local state = { read(value, place) }
    if state[1] == 0 then return {}, {} end
    states[#states + 1], state[12] = state, place
    state[13] = state[11]
    state[11], place = lengthened(value, state[10])
  end
  if count == 1 and #states == 1 then return { states[1] }, states end
  local found, taken = {}, {}
  for law = 1, count do
    local kernel, _, period, pairs_of_law = struct.unpack('>dddd', laws, first)
    first = first + 80 + (kernel == 8 and 16 * pairs_of_law or 0)
    for old, state in ipairs(states) do
      if not found[law] and not taken[old] and state[4] == period then found[law], taken[old] = state, true end
    end
  end
  for law = 1, count do
    if not found[law] and not taken[law] then found[law] = states[law] end
  end
  return found, states
end

-- A value as a refusal reports it: each state as its law has left it, or with one record if no law needs more of it.
local function reported(value, states)
  local text, from = '', 1
  for _, state in ipairs(states) do
    local before = state.before
    if before == nil and state[9] then before = as_reported(unpack(state, 1, 9)) end
    if before then text, from = text .. value:sub(from, state[12] - 1) .. before, state[10] end
  end
  return text .. value:sub(from)
end

-- The moment at which the clock stands still for a state (L4).
local function moment(state)
  if not state then return 0 end
  local kind, at, records = state[1], state[5], state[9]
  if kind ~= 6 then return at end
  return #records > 0 and struct.unpack('>d', records, #records - 15) or 0
end

local laws, next_law = ARGV[1], 1
local values, seen, stored, writes, caught_up, answer, refused, is_alone = {}, {}, {}, {}, {}, {}, false, false
-- Of each key, the places after states that live longer from now on, and until when; and when it ends at the earliest.
local lifes, last = {}, {}
for plan = 1, #KEYS do
  local key = KEYS[plan]
  if seen[key] == nil then
    seen[key] = redis.call('GET', key)
    values[key], stored[key] = seen[key], {}
  else
    -- Of two hits on one key, the second depends on all of what the first leaves.
    stored[key] = nil
  end
  local value, cost, count = values[key], nil, nil
  cost, count, next_law = struct.unpack('>dd', laws, next_law)
  local states = {}
  if cost > 0 and value and value:byte(1) == VERSION then
    local all
    states, all = own_states(laws, next_law, count, value)
    stored[key] = stored[key] and all
  end
  local text, report, latest, keep, filled_until = HEAD, HEAD, 0, true, nil
  for law = 1, count do
    local kernel, l1, l2, l3, l4, l5, l6, l7, l8, l9, pairs_of_law
    kernel, l1, l2, l3, l4, l5, l6, l7, l8, l9, next_law = struct.unpack('>dddddddddd', laws, next_law)
    if kernel == 8 then
      pairs_of_law, next_law = laws:sub(next_law, next_law + 16 * l3 - 1), next_law + 16 * l3
    end
    -- After a refusal, only what is ahead of the clock or of another rate is looked at, for the hit has seen it too, and logs,
    -- to report them.
    local state = states[law]
    local is_changed = state and (state[4] ~= l2 or state[3] ~= l1 or (kernel == 3 or kernel == 7) and state[2] ~= l3)
    if cost > 0 and (not refused or is_changed or kernel == 5 or kernel == 6 or moment(state) > now) then
      local kind, power, limit, period, at, a, b, c, records, own_end, longer, made = 0
      if state then
        kind, power, limit, period, at, a, b, c, records, own_end, longer = unpack(state, 1, 11)
        made = state[13]
      end
      made = made or next_number()
      local fits, ends, keeps, filled, lives, needs, before, after, lasts
