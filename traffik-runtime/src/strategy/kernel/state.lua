-- The encoding of states: a version, then each state; the twin of store/codec.rs.
--
-- Numbers are doubles in big-endian order. A truncated or malformed state has kind 0, which is no
-- state. Kinds: 1 window, 2 counter, 3 meter, 4 rollover, 5 adaptive, 6 log, 7 mean. Logs and means
-- have records.
local VERSION = 2
local HEAD = string.char(VERSION)
local struct, redis, floor, EXACT = struct, redis, math.floor, 2 ^ 53
-- The longest period, ten years.
local MAX_PERIOD = 315360000000000

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
  if power > 6 or kind < 1 or kind > 7 then return 0 end
  -- No function is called for these checks, because every state is read.
  if
    not (limit >= 1 and limit <= EXACT and limit % 1 == 0)
    or not (period >= 1 and period <= MAX_PERIOD and period % 1 == 0)
    or not (at >= 0 and at <= EXACT and at % 1 == 0)
    or not (a >= 0 and a <= EXACT and a % 1 == 0)
    or (power > 0 and period < 10 ^ power)
  then
    return 0
  end
  -- Windows are aligned to the epoch.
  if (kind < 3 or kind == 4 or kind == 5) and at % period ~= 0 then return 0 end
  if kind == 2 or kind == 4 then
    if last - place < 7 then return 0 end
    b, place = struct.unpack('>d', value, place)
    if not (b >= 0 and b <= EXACT and b % 1 == 0) then return 0 end
  elseif kind == 5 or kind == 7 then
    if last - place < 15 then return 0 end
    b, c, place = struct.unpack('>dd', value, place)
    -- A share in millionths and 1 if it was cut, or a factor in thousandths and the sum of the
    -- costs.
    if b % 1 ~= 0 or c % 1 ~= 0 then return 0 end
    if kind == 5 and not (b >= 0 and b <= 1000000 and c >= 0 and c <= 1) then return 0 end
    if kind == 7 and not (b >= 1 and b <= 1000 and c >= 1 and c <= EXACT) then return 0 end
  end
  if kind >= 6 then
    if last - place < 3 then return 0 end
    local count
    count, place = struct.unpack('>I4', value, place)
    local ends = place + count * (kind == 6 and 16 or 8) - 1
    -- A log may be empty, because all its hits were refunded.
    if (kind == 7 and count < 1) or last < ends then return 0 end
    records, place = value:sub(place, ends), ends + 1
  end
  return kind, power, limit, period, at, a, b, c, records, place, state_number
end

-- Returns the number of a state that is created now: the current microsecond of the server.
local function next_number()
  local time = redis.call('TIME')
  return struct.pack('>d', time[1] * 1000000 + time[2])
end

-- Encodes a state; the inverse of read.
local function write(kind, power, limit, period, at, a, b, c, records, state_number)
  local head = struct.pack('>BBdddd', kind, state_number and power + 16 or power, limit, period, at, a)
    .. (state_number or '')
  if kind == 1 or kind == 3 then return head end
  if kind == 2 or kind == 4 then return head .. struct.pack('>d', b) end
  if kind == 5 then return head .. struct.pack('>dd', b, c) end
  if kind == 6 then return head .. struct.pack('>I4', #records / 16) .. records end
  return head .. struct.pack('>ddI4', b, c, #records / 8) .. records
end

-- Returns the functions that few decisions call. They are made when the first of them is needed,
-- because making a function takes longer than most of what a decision does.
local function make_rare()
  -- Returns true if a number is whole and in a range.
  local function is_whole(number, min, max)
    return number >= min and number <= max and number % 1 == 0
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
    local _, next_place = read_extension(value, place)
    return value:sub(1, place - 1)
      .. struct.pack('>Bd', 10, math.min(ends, EXACT))
      .. value:sub(next_place)
  end

  -- Summarizes a log whose live records begin at a place, in at most three records: the one that
  -- must expire before there is room for one more unit, the one that must expire before there is
  -- room for the hit, and the newest. The cost of each includes the records between it and the one
  -- before it. Every number that a decision reports follows from these. Returns nil if the records
  -- do not add up to the sum; then the whole log is reported.
  local function summarize(records, first, sum, more, cost)
    local newest, place, passed, text = #records - 15, first, 0, ''
    for _, needed in ipairs({ more, cost }) do
      if needed > passed and needed <= sum then
        local before = passed
        if 16 * sum == #records - first + 1 then
          -- Every record costs one.
          place, passed = first + 16 * needed, needed
        elseif 2 * needed > sum then
          -- Searches from the newest record backwards for those that may stay.
          place, passed = newest + 16, sum
          local _, spent = struct.unpack('>dd', records, newest)
          while passed - spent >= needed do
            place, passed = place - 16, passed - spent
            if place - 16 < first then return nil end
            _, spent = struct.unpack('>dd', records, place - 16)
          end
        else
          while passed < needed do
            -- Skips eight records at a time while their sum is too small.
            local _, a, b, c, d, e, f, g, h = nil, 0, 0, 0, 0, 0, 0, 0, 0
            if place + 112 <= newest then
              _, a, _, b, _, c, _, d, _, e, _, f, _, g, _, h =
                struct.unpack('>dddddddddddddddd', records, place)
            end
            local sum_of_eight = a + b + c + d + e + f + g + h
            if sum_of_eight > 0 and passed + sum_of_eight < needed then
              place, passed = place + 128, passed + sum_of_eight
            else
              if place > newest then return nil end
              _, a = struct.unpack('>dd', records, place)
              place, passed = place + 16, passed + a
            end
          end
        end
        text = text .. struct.pack('>dd', struct.unpack('>d', records, place - 16), passed - before)
      end
    end
    if passed < sum then
      text = text .. struct.pack('>dd', struct.unpack('>d', records, newest), sum - passed)
    end
    return text
  end

  -- Encodes a state with one record instead of all: the newest time of a log, and the sum of a
  -- mean.
  local function condense(kind, power, limit, period, at, a, b, c, records, state_number)
    if kind == 6 and #records > 0 then
      records = struct.pack('>dd', struct.unpack('>d', records, #records - 15), a)
    elseif kind == 7 then
      records = struct.pack('>d', c)
    end
    return write(kind, power, limit, period, at, a, b, c, records, state_number)
  end

  return {
    is_whole = is_whole,
    gcd = gcd,
    read_extension = read_extension,
    extend = extend,
    summarize = summarize,
    condense = condense,
  }
end
local rare

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
--
-- A hit that another law has `refused` is not counted. For one plan with one law, `is_single` is
-- true, and `before` is not needed if the hit fits.
