-- How states are kept: a version, then each state; beside backend/wire.rs.
--
-- Numbers are doubles, first byte first. What is cut short, goes on too long or is something else is no state, kind 0.
-- Kinds: 1 window, 2 counter, 3 meter, 4 rollover, 5 adaptive, 6 log, 7 mean; logs and means have records.
local VERSION = 2
local HEAD = string.char(VERSION)
local struct, redis, floor, EXACT = struct, redis, math.floor, 2 ^ 53
-- The longest period, ten years.
local LONGEST = 315360000000000

-- Whether a number is whole and in a range.
local function whole(number, least, most)
  return number >= least and number <= most and number % 1 == 0
end

-- The state at a place: kind, power of ten of the tick, limit, period, at, three amounts, records, the next place, and its
-- number, for refunds to name (L32): any eight bytes, with 16 on top of the power of ten, or nothing.
local function read(value, place)
  local last = #value
  if last - place < 33 then return 0 end
  local kind, power, limit, period, at, a, b, c, records, made
  kind, power, limit, period, at, a, place = struct.unpack('>BBdddd', value, place)
  if power >= 16 then
    if last - place < 7 then return 0 end
    power, made, place = power - 16, value:sub(place, place + 7), place + 8
  end
  if power > 6 or kind < 1 or kind > 7 then return 0 end
  if not (whole(limit, 1, EXACT) and whole(period, 10 ^ power, LONGEST) and whole(at, 0, EXACT)) then return 0 end
  if not whole(a, 0, EXACT) then return 0 end
  -- Windows are aligned to the epoch.
  if (kind < 3 or kind == 4 or kind == 5) and at % period ~= 0 then return 0 end
  if kind == 2 or kind == 4 then
    if last - place < 7 then return 0 end
    b, place = struct.unpack('>d', value, place)
    if not whole(b, 0, EXACT) then return 0 end
  elseif kind == 5 or kind == 7 then
    if last - place < 15 then return 0 end
    b, c, place = struct.unpack('>dd', value, place)
    -- A share in millionths and whether it was cut, or a factor in thousandths and the sum of costs.
    if kind == 5 and not (whole(b, 0, 1000000) and whole(c, 0, 1)) then return 0 end
    if kind == 7 and not (whole(b, 1, 1000) and whole(c, 1, EXACT)) then return 0 end
  end
  if kind >= 6 then
    if last - place < 3 then return 0 end
    local count
    count, place = struct.unpack('>I4', value, place)
    local ends = place + count * (kind == 6 and 16 or 8) - 1
    -- Of a log, all may have been given back.
    if (kind == 7 and count < 1) or last < ends then return 0 end
    records, place = value:sub(place, ends), ends + 1
  end
  return kind, power, limit, period, at, a, b, c, records, place, made
end

-- Until when a refusal under another rate lets the state live that ends before a place (L30), or 0; and the next place.
local function lengthened(value, place)
  if #value - place < 8 or value:byte(place) ~= 10 then return 0, place end
  return (struct.unpack('>d', value, place + 1)), place + 9
end

-- The number of a state that is made now: the server's own microsecond.
local function next_number()
  local time = redis.call('TIME')
  return struct.pack('>d', time[1] * 1000000 + time[2])
end

-- The value with a longer life for the state that ends before a place.
local function lengthen(value, place, needs)
  local _, next_place = lengthened(value, place)
  return value:sub(1, place - 1) .. struct.pack('>Bd', 10, math.min(needs, EXACT)) .. value:sub(next_place)
end

-- What is told of a log, of whose live records the first begins at a place: those up to which this much has to fall out for
-- one more unit, and for the cost of the hit, and the newest; each with what those before it cost. That is enough for every
-- moment and every number that a decision tells. Nothing if the records do not add up to the sum: then all is told.
local function shortened(records, first, sum, more, cost)
  local newest, place, passed, text = #records - 15, first, 0, ''
  for _, needed in ipairs({ more, cost }) do
    if needed > passed and needed <= sum then
      local before = passed
      if 16 * sum == #records - first + 1 then
        -- Each costs one.
        place, passed = first + 16 * needed, needed
      elseif 2 * needed > sum then
        -- From the newest on back: what may stay.
        place, passed = newest + 16, sum
        local _, spent = struct.unpack('>dd', records, newest)
        while passed - spent >= needed do
          place, passed = place - 16, passed - spent
          if place - 16 < first then return nil end
          _, spent = struct.unpack('>dd', records, place - 16)
        end
      else
        while passed < needed do
          -- Eight at a time as long as they do not suffice.
          local _, a, b, c, d, e, f, g, h = nil, 0, 0, 0, 0, 0, 0, 0, 0
          if place + 112 <= newest then
            _, a, _, b, _, c, _, d, _, e, _, f, _, g, _, h = struct.unpack('>dddddddddddddddd', records, place)
          end
          local together = a + b + c + d + e + f + g + h
          if together > 0 and passed + together < needed then
            place, passed = place + 128, passed + together
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
  if passed < sum then text = text .. struct.pack('>dd', struct.unpack('>d', records, newest), sum - passed) end
  return text
end

local function write(kind, power, limit, period, at, a, b, c, records, made)
  local head = struct.pack('>BBdddd', kind, made and power + 16 or power, limit, period, at, a) .. (made or '')
  if kind == 1 or kind == 3 then return head end
  if kind == 2 or kind == 4 then return head .. struct.pack('>d', b) end
  if kind == 5 then return head .. struct.pack('>dd', b, c) end
  if kind == 6 then return head .. struct.pack('>I4', #records / 16) .. records end
  return head .. struct.pack('>ddI4', b, c, #records / 8) .. records
end

-- Returns a state with one record for all: the newest of a log's, and the sum of a mean's.
local function as_reported(kind, power, limit, period, at, a, b, c, records, made)
  if kind == 6 and #records > 0 then
    records = struct.pack('>dd', struct.unpack('>d', records, #records - 15), a)
  elseif kind == 7 then
    records = struct.pack('>d', c)
  end
  return write(kind, power, limit, period, at, a, b, c, records, made)
end

-- Every kernel below finds `now`, `cost`, its law's numbers in l1 …, and the state in kind, power, limit, period, at, a,
-- b, c, records, and its number in `made`. It says whether the cost `fits`; then it leaves the new state there, when that `ends`, and whether it
-- `keeps` the end of the old one. A state that is more than a period ahead of the clock is replaced by one filled now, and
-- `filled` is when that ends: it is written even if the hit is refused (L4). Of a state of another rate, which a refusal may
-- have let live for `longer`, it says how long that `lives` and the law `needs` it (L30); one that had ended before is none.
-- Of a state that does not tell when it ends under the parameters it was written with, `lasts` is when it does under these.
-- Laws with records leave the state as a decision reports it, without most of them: `before` the hit (false if they are not
-- what they have to be), and `after` it. A hit that another law has `refused` is not counted; one plan with one law
-- `is_alone`, and needs no `before` if the hit fits.
