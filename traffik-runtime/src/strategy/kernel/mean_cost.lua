-- A level that leaks more slowly the more the last hits cost; the twin of mean_cost.rs.
-- Parameters: l1 limit, l2 period, l3 power of ten of the tick, l4 tick, l5 capacity, l6 units of
-- the level per unit of cost, l7 units that leak in a tick per thousandth of the factor, l8 number
-- of costs in the mean, l9 least factor in thousandths. A record is a cost, oldest first.
do
  rare = rare or make_rare()
  local tick, capacity, units, leak = l4, l5, l6, l7
  local t, level = floor(now / tick), 0
  if kind == 7 and ceil(at / tick) - t > l2 / tick then
    power, limit, period, at, a = l3, l1, l2, t * tick, capacity * units
    filled = (t + ceil(a / math.max(leak * b, 1))) * tick
  end
  if kind == 7 then
    local last = ceil(at / tick)
    level = a
    if period ~= l2 or limit ~= l1 or power ~= l3 then
      local ticks = 1000 * floor(period / 10 ^ power)
      local common = rare.gcd(limit, ticks)
      lives_until =
        math.max(at + ceil(level / math.max(limit / common * b, 1)) * 10 ^ power, extended_until)
      level = math.min(ceil(level / (ticks / common)), floor(EXACT / units)) * units
      if lives_until <= now then
        last, level = 0, 0
      else
        needed_until = (last + ceil(level / math.max(leak * b, 1))) * tick
      end
    end
    if t < last then t = last end
    local each = leak * b
    if each < 1 or t - last >= ceil(level / each) then level = 0 else level = level - (t - last) * each end
  end
  fits = cost <= capacity and level <= (capacity - cost) * units
  if fits then
    if level == 0 then records, c = '', 0 end
    records, c = records .. struct.pack('>d', cost), c + cost
    local rounded = c >= EXACT
    while #records > 8 * l8 do
      c = c - struct.unpack('>d', records, 1)
      records = records:sub(9)
    end
    if rounded then
      -- Sums above 2^53 are not exact, so this one is computed again from all records.
      c = 0
      for place = 1, #records, 8 do c = c + struct.unpack('>d', records, place) end
      c = math.min(c, EXACT)
    end
    -- Malformed costs are discarded: well-formed ones have a sum in this range.
    if not rare.is_whole(c, #records / 8, EXACT) then records, c = struct.pack('>d', cost), cost end
    b = math.max(l9, floor(125 * #records / c))
    level = level + cost * units
    kind, power, limit, period, at, a = 7, l3, l1, l2, t * tick, level
    ends = (t + ceil(level / (leak * b))) * tick
    after = rare.condense(kind, power, limit, period, at, a, b, c, records, state_number)
  elseif kind == 7 then
    before = rare.condense(kind, power, limit, period, at, a, b, c, records)
  end
end
