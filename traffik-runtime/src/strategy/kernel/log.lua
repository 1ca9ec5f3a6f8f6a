-- Every hit of the last period; beside log.rs. Law: limit, period, how much of the limit may be taken.
-- The state's records are a time and a cost each, oldest first.
local RECORD = 16

kernels[LOG] = function(law, state, now, cost)
  local limit, period, most = law[2], law[3], law[4]
  local records, sum = '', 0
  if state.kind == LOG then records, sum = state.records, state.a end
  local newest, together = -1, 0
  if #records > 0 then newest, together = struct.unpack('>dd', records, #records - RECORD + 1) end
  local at = math.max(now, newest)
  local first = 1
  while first < #records do
    local made, spent = struct.unpack('>dd', records, first)
    if made + period > at then break end
    first, sum = first + RECORD, sum - spent
  end
  if sum + cost > most then return nil end
  if newest == at and first < #records then
    records = records:sub(first, -RECORD - 1) .. struct.pack('>dd', at, together + cost)
  else
    records = records:sub(first) .. struct.pack('>dd', at, cost)
  end
  return { kind = LOG, limit = limit, period = period, a = sum + cost, records = records, ends = at + period }
end
