-- How states are kept: a version, then each state; beside backend/wire.rs.
--
-- Numbers are doubles, first byte first. What is cut short, goes on too long or is something else is no state.
local VERSION = 1
local WINDOW, COUNTER, METER, ROLLOVER, ADAPTIVE, LOG, MEAN, HOURS = 1, 2, 3, 4, 5, 6, 7, 8
local HEAD, HEAD_SIZE = '>BBI4ddd', 30
-- How many numbers follow the head, and how many bytes a record takes.
local MORE = { [WINDOW] = 0, [COUNTER] = 1, [METER] = 0, [ROLLOVER] = 1, [ADAPTIVE] = 2, [LOG] = 0, [MEAN] = 2 }
local RECORDS = { [LOG] = 16, [MEAN] = 8 }
local kernels = {}

local function whole(number)
  return number >= 0 and number <= 2 ^ 53 and number % 1 == 0
end

local function read_state(value, first)
  if #value - first + 1 < HEAD_SIZE then return nil end
  local state = { from = first }
  local kind, power, limit, period, at, a, place = struct.unpack(HEAD, value, first)
  local more, record = MORE[kind], RECORDS[kind]
  if not more or power > 6 or limit < 1 or period < 10 ^ power then return nil end
  if not (whole(period) and whole(at) and whole(a)) then return nil end
  state.kind, state.power, state.limit, state.period, state.at, state.a = kind, power, limit, period, at, a
  for _, name in ipairs({ 'b', 'c' }) do
    if more > 0 then
      if #value - place + 1 < 8 then return nil end
      state[name], place = struct.unpack('>d', value, place)
      if not (state[name] >= 0 and state[name] % 1 == 0) then return nil end
      more = more - 1
    end
  end
  if record then
    if #value - place + 1 < 4 then return nil end
    local count
    count, place = struct.unpack('>I4', value, place)
    local last = place + count * record - 1
    if count < 1 or #value < last then return nil end
    state.records, place = value:sub(place, last), last + 1
  end
  return state, place
end

local function read_states(value)
  if not value or value:byte(1) ~= VERSION then return {} end
  local states, place = {}, 2
  while place <= #value do
    local state
    state, place = read_state(value, place)
    if not state then return {} end
    states[#states + 1] = state
  end
  return states
end

local function write_state(state)
  local text = struct.pack(HEAD, state.kind, state.power or 0, state.limit, state.period, state.at or 0, state.a)
  local more = MORE[state.kind]
  if more > 0 then text = text .. struct.pack('>d', state.b) end
  if more > 1 then text = text .. struct.pack('>d', state.c) end
  local record = RECORDS[state.kind]
  if record then text = text .. struct.pack('>I4', #state.records / record) .. state.records end
  return text
end
