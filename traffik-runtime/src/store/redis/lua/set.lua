  else
    -- Several plans or laws.
    rare = rare or make_rare()

    -- Returns the law at a place: its kernel, its parameters and its pairs.
    local function read_law(place)
      local kernel, parameters = laws:byte(place, place + 1)
      if parameters == 5 then return kernel, struct.unpack('>ddddd', laws, place + 2) end
      if parameters == 9 then return kernel, struct.unpack('>ddddddddd', laws, place + 2) end
      local l1, l2, l3 = struct.unpack('>ddd', laws, place + 2)
      local pairs_of_law = kernel == 8 and laws:sub(place + 26, place + 25 + 16 * l3)
      return kernel, l1, l2, l3, nil, nil, nil, nil, nil, nil, pairs_of_law
    end

    -- Returns the value of a key or the first bytes of one, or false and an error. A value of
    -- another type is no state.
    local function get(key, is_part)
      local value
      if is_part then
        value = redis.pcall('GETRANGE', key, 0, LONG_LOG - 1)
      else
        value = redis.pcall('GET', key)
      end
      if not value or not value.err then return value ~= '' and value end
      if value.err:find('WRONGTYPE', 1, true) then return false end
      return false, value.err
    end

    -- Sets the value of a key, which then ends after some milliseconds, or as late as before.
    -- Returns an error if it was not set.
    local function set(key, value, ttl)
      if not ttl then return redis.pcall('SET', key, value, 'KEEPTTL').err end
      return redis.pcall('SET', key, value, 'PX', string.format('%.0f', ttl)).err
    end

    -- Returns the state of each law, and all states in their order. A law's state is the one of the
    -- same period, or the one in the same place (law L30; guide, chapter laws); plan.rs does the
    -- same. Fields of a state: 10 is the place after it, 11 the time until which a refusal extended
    -- its life, 12 its own place, 13 its number.
    local function own_states(laws_of_plan, value)
      local states, place = {}, 2
      while place <= #value do
        local state = { rare.read(value, place) }
        if state[1] == 0 then return {}, {} end
        states[#states + 1], state[12] = state, place
        state[13] = state[11]
        state[11], place = rare.read_extension(value, state[10])
      end
      if #laws_of_plan == 1 and #states == 1 then return { states[1] }, states end
      local found, used = {}, {}
      for law = 1, #laws_of_plan do
        local period = laws_of_plan[law][3]
        for old, state in ipairs(states) do
          if not found[law] and not used[old] and state[4] == period then
            found[law], used[old] = state, true
          end
        end
      end
      for law = 1, #laws_of_plan do
        if not found[law] and not used[law] then found[law] = states[law] end
      end
      return found, states
    end

    -- Returns a value as a refusal reports it: each state as its law has left it, or condensed if
    -- no law needs all its records.
    local function reported(value, states)
      local text, from = '', 1
      for _, state in ipairs(states) do
        local before = state.before
        if before == nil and state[9] then before = rare.condense(unpack(state, 1, 9)) end
        if before then text, from = text .. value:sub(from, state[12] - 1) .. before, state[10] end
      end
      return text .. value:sub(from)
    end

    -- Returns the moment of a state, before which the clock stands still for it (law L4).
    local function moment(state)
      if not state then return 0 end
      local kind, at, records = state[1], state[5], state[9]
      if kind ~= 6 then return at end
      return #records > 0 and struct.unpack('>d', records, #records - 15) or 0
    end

    -- The place of the next plan in the groups, and the number of keys before those of the group.
    local next_plan, before_group = next_group + 2, key_number
    local values, original, stored, writes, caught_up, refused, is_single, failed =
      {}, {}, {}, {}, {}, false, false, nil
    -- By key: the states whose lives are extended, as the place after each and its new end; and the
    -- earliest end of the key.
    local extensions, expiries = {}, {}
    -- The number of plans of each key.
    local plans_of_key = {}
    for plan = 1, plans do
      local key = keys[before_group + plan]
      plans_of_key[key] = (plans_of_key[key] or 0) + 1
    end
    for plan = 1, plans do
      local key, laws_of_plan, cost, count = keys[before_group + plan], {}, nil, nil
      count, cost, next_plan = struct.unpack('>Hd', groups, next_plan)
      for law = 1, count do
        place, next_plan = struct.unpack('>I4', groups, next_plan)
        laws_of_plan[law] = { read_law(place) }
      end
      -- A plan without laws has one place, of none.
      if count == 0 then next_plan = next_plan + 4 end
      local is_log = count == 1 and laws_of_plan[1][1] == 6 and cost > 0 and plans_of_key[key] == 1
      if original[key] == nil then
        local value, err = get(key, is_log)
        original[key], values[key], stored[key], failed = value, value, {}, failed or err
      else
        -- The second of two hits on one key depends on the whole state that the first leaves.
        stored[key] = nil
      end
      local value, states = values[key], {}
      if is_log and value then
        local l1, l2 = laws_of_plan[1][2], laws_of_plan[1][3]
        local kind, power, limit, period, at, a, records, state_number
        local is_read, records_before, length, newest_record = false, 0
