-- The encoding of states: a version, then each state; the twin of store/codec.rs.
--
-- Numbers are doubles in big-endian order. A truncated or malformed state has kind 0, which is no
-- state. Kinds: 1 window, 2 counter, 3 meter, 4 rollover, 5 adaptive, 6 log, 7 mean. Logs and means
-- have records. A log has the number of its records before them, unless it is the only state of a
-- key: then it has kind 8, and its records go on to the end of the value, so that a hit can append
-- its own.
-- Returns the functions that few decisions call. They are made when the first of them is needed,
-- because making a function takes longer than most of what a decision does. This one is made by
-- every call, so it uses global variables: those of the script would be captured.
local function make_rare()
  local struct, redis, floor, EXACT = struct, redis, math.floor, 2 ^ 53

  -- Returns true if a number is whole and in a range.
  local function is_whole(number, min, max)
    return number >= min and number <= max and number % 1 == 0
  end

  -- Reads the state at a place: kind, power of ten of the tick, limit, period, at, three amounts,
  -- records, the next place, and the number that refunds name (law L32; guide, chapter laws). The
  -- number is any eight bytes, which are there if 16 is added to the power of ten.
  local function read(value, place)
    local last = #value
    if last - place < 33 then return 0 end
    local kind, power, limit, period, at, a, b, c, records, state_number
    kind, power, limit, period, at, a, place = struct.unpack('>BBdddd', value, place)
    if power >= 16 then
      if last - place < 7 then return 0 end
      power, state_number, place = power - 16, value:sub(place, place + 7), place + 8
    end
    if power > 6 or kind < 1 or kind > 8 then return 0 end
    -- The longest period is ten years.
    if
      not is_whole(limit, 1, EXACT)
      or not is_whole(period, 1, 315360000000000)
      or not is_whole(at, 0, EXACT)
      or not is_whole(a, 0, EXACT)
      or (power > 0 and period < 10 ^ power)
    then
      return 0
    end
    -- Windows are aligned to the epoch.
    if (kind < 3 or kind == 4 or kind == 5) and at % period ~= 0 then return 0 end
    if kind == 2 or kind == 4 then
      if last - place < 7 then return 0 end
      b, place = struct.unpack('>d', value, place)
      if not is_whole(b, 0, EXACT) then return 0 end
    elseif kind == 5 or kind == 7 then
      if last - place < 15 then return 0 end
      b, c, place = struct.unpack('>dd', value, place)
      -- A share in millionths and 1 if it was cut, or a factor in thousandths and the sum of the
      -- costs.
      if kind == 5 and not (is_whole(b, 0, 1000000) and is_whole(c, 0, 1)) then return 0 end
      if kind == 7 and not (is_whole(b, 1, 1000) and is_whole(c, 1, EXACT)) then return 0 end
    end
    if kind >= 6 then
      local count = (last + 1 - place) / 16
      if kind ~= 8 then
        if last - place < 3 then return 0 end
        count, place = struct.unpack('>I4', value, place)
      elseif count % 1 ~= 0 then
        return 0
      end
      local first, ends = place, place + count * (kind == 7 and 8 or 16) - 1
      -- A log may be empty, because all its hits were refunded.
      if (kind == 7 and count < 1) or last < ends then return 0 end
      if kind ~= 7 then
        -- The first `at` records of a log are dead, and so are all that the newest hit found
        -- expired.
        if at > count then return 0 end
        kind, first, at = 6, place + 16 * at, 0
        local newest = count > 0 and struct.unpack('>d', value, ends - 15)
        while first < ends and struct.unpack('>d', value, first) + period <= newest do
          first = first + 16
        end
        if first > place then a = struct.unpack('>d', value, first - 8) end
        if not is_whole(a, 0, EXACT) then return 0 end
      end
      records, place = value:sub(first, ends), ends + 1
    end
    return kind, power, limit, period, at, a, b, c, records, place, state_number
  end

  -- Encodes a state; the inverse of read.
  local function write(kind, power, limit, period, at, a, b, c, records, state_number)
    local head = struct.pack('>BBdddd', kind, state_number and power + 16 or power, limit, period, at, a)
      .. (state_number or '')
    if kind == 1 or kind == 3 then return head end
    if kind == 2 or kind == 4 then return head .. struct.pack('>d', b) end
    if kind == 5 then return head .. struct.pack('>dd', b, c) end
    if kind == 6 then return head .. struct.pack('>I4', #records / 16) .. records end
    if kind == 8 then return head .. records end
    return head .. struct.pack('>ddI4', b, c, #records / 8) .. records
  end

  -- Returns the number of a state that is created now: the current microsecond of the server.
  local function next_number()
    local time = redis.call('TIME')
    return struct.pack('>d', time[1] * 1000000 + time[2])
  end

  -- Returns the greatest common divisor of two numbers.
  local function gcd(x, y)
    while x ~= 0 do x, y = y % x, x end
    return y
  end

  -- Reads the time until which a refusal under another rate extended the life of the state before a
  -- place (law L30), or 0; and the next place.
  local function read_extension(value, place)
    if #value - place < 8 or value:byte(place) ~= 10 then return 0, place end
    return (struct.unpack('>d', value, place + 1)), place + 9
  end

  -- Returns the value with the life of the state before a place extended.
  local function extend(value, place, ends)
    if value:byte(2) == 8 then
      -- Records that go on to the end of the value get their number.
      local first = value:byte(3) >= 16 and 44 or 36
      value = value:sub(1, 1)
        .. '\6'
        .. value:sub(3, first - 1)
        .. struct.pack('>I4', (#value + 1 - first) / 16)
        .. value:sub(first)
      place = place + 4
    end
    local _, next_place = read_extension(value, place)
    return value:sub(1, place - 1)
      .. struct.pack('>Bd', 10, math.min(ends, EXACT))
      .. value:sub(next_place)
  end

  -- Returns a function that returns the time and the total of a record of a log. `records` are
  -- those at hand, after `before` others; more are read from the key, where they have an offset.
  local function record_reader(key, offset, records, before)
    return function(number)
      local place = 16 * (number - before) - 15
      if place < 1 or place + 15 > #records then
        before, place = number - 1, 1
        local from = offset + 16 * before
        records = redis.call('GETRANGE', key, from, from + 255)
      end
      return struct.unpack('>dd', records, place)
    end
  end

  -- Returns the first of the records from `first` to `last` that has not expired at a time, the
  -- total before it, its time and its total. It is found from the oldest on in doubling steps. The
  -- last one has not expired.
  local function skip_expired(record, first, last, base, period, t)
    local low, step = first, 1
    while low + step <= last and record(low + step - 1) + period <= t do
      low, step = low + step, 2 * step
    end
    local high = math.min(low + step - 1, last)
    while low < high do
      local middle = floor((low + high) / 2)
      if record(middle) + period <= t then low = middle + 1 else high = middle end
    end
    local at, total
    if low > first then
      at, base = record(low - 1)
    end
    at, total = record(low)
    return low, base, at, total
  end

  -- Summarizes the live records of a log in at most three: the one that must expire before there is
  -- room for one more unit, the one that must expire before there is room for the hit, and the
  -- newest. Every number that a decision reports follows from these. `record` returns the time of a
  -- record, and the total of the costs up to it; `base` is the total before the first.
  local function summarize(record, first, last, base, sum, more, cost)
    local text, latest = '', first - 1
    for _, needed in ipairs({ more, cost }) do
      if needed > 0 and needed <= sum then
        -- Finds the first record up to which this much was spent. It is the last one possible if
        -- every record costs one.
        local low, high = first, math.min(last, first + needed - 1)
        local middle = high - 1
        while low < high do
          local _, total = record(middle)
          if total - base < needed then low = middle + 1 else high = middle end
          middle = floor((low + high) / 2)
        end
        if low > latest then
          local at, total = record(low)
          text, latest = text .. struct.pack('>dd', at, total), low
        end
      end
    end
    if latest < last then
      local at, total = record(last)
      text = text .. struct.pack('>dd', at, total)
    end
    return text
  end

  -- Returns the records of a log with totals that begin with the costs of the first.
  local function rebase(records, base)
    local rebased = {}
    for place = 1, #records, 16 do
      local at, total = struct.unpack('>dd', records, place)
      rebased[#rebased + 1] = struct.pack('>dd', at, total - base)
    end
    return table.concat(rebased)
  end

  -- Encodes a state with one record instead of all: the newest of a log, and the sum of a mean.
  local function condense(kind, power, limit, period, at, a, b, c, records, state_number)
    if kind == 6 then
      records = records:sub(-16)
    elseif kind == 7 then
      records = struct.pack('>d', c)
    end
    return write(kind, power, limit, period, at, a, b, c, records, state_number)
  end

  return {
    is_whole = is_whole,
    read = read,
    write = write,
    next_number = next_number,
    gcd = gcd,
    read_extension = read_extension,
    extend = extend,
    record_reader = record_reader,
    skip_expired = skip_expired,
    summarize = summarize,
    rebase = rebase,
    condense = condense,
  }
end
local rare

local VERSION, HEAD, EXACT = 2, '\2', 2 ^ 53
-- The offset of the records of a log of kind 8, and the bytes from which on it is long.
local LOG_RECORDS, LONG_LOG = 43, 1067
local struct, redis = struct, redis

-- The arguments and results of the kernels below are local variables.
--
-- Arguments: `now`; `cost`; the parameters of the law, `l1` to `l9`; the state in `kind`, `power`,
-- `limit`, `period`, `at`, `a`, `b`, `c` and `records`; its `state_number`; and `extended_until`,
-- the time until which a refusal extended the life of a state of another rate.
--
-- Results:
-- * `fits` is true if the law admits the hit. The new state is then in the variables of the old
--   one.
-- * `ends` is the time at which the new state ends. `keeps` is true if that is the end of the old
--   state.
-- * `filled` is set if the state was more than a period ahead of the clock. It is then replaced by
--   one that is filled now and ends at `filled`, even if the hit is refused (law L4; guide, chapter
--   laws).
-- * `lives_until` is the end of a state of another rate, and `needed_until` the time until which
--   this law needs it (law L30). A state whose end has passed counts as empty.
-- * `expires` is the end of a state under these parameters, where its own parameters gave another
--   end.
-- * `before` and `after` are a state with records as a decision reports it, before and after the
--   hit. `before` is false if the records are malformed.
-- * `added` is the new record of a log, which is not among `records`. In a long log, `added_at` is
--   its offset in the value, and `header` the number of dead records if that is to be written; see
--   log.lua.
--
-- A hit that another law has `refused` is not counted. For one plan with one law, `is_single` is
-- true, and `before` is not needed if the hit fits.
