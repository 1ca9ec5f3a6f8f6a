-- A level that leaks the more slowly the more the last hits cost; beside mean.rs.
-- Law: limit, period, power of ten of the tick, the tick, capacity, units of the level in one of cost, how many of them
-- leak in a tick for each thousandth of the factor, how many costs are remembered, the least factor in thousandths.
-- A record is a cost, oldest first.
do
  local tick, capacity, units, leak = l4, l5, l6, l7
  local t, level = floor(now / tick), 0
  if kind == 7 and ceil(at, tick) - t > l2 / tick then
    power, limit, period, at, a = l3, l1, l2, t * tick, capacity * units
    filled = (t + ceil(a, math.max(leak * b, 1))) * tick
  end
  if kind == 7 then
    local last = ceil(at, tick)
    level = a
    if period ~= l2 or limit ~= l1 or power ~= l3 then
      local ticks = 1000 * floor(period / 10 ^ power)
      local common = gcd(limit, ticks)
      lives = math.max(at + ceil(level, math.max(limit / common * b, 1)) * 10 ^ power, longer)
      level = math.min(ceil(level, ticks / common), floor(EXACT / units)) * units
      if lives <= now then
        last, level = 0, 0
      else
        needs = (last + ceil(level, math.max(leak * b, 1))) * tick
      end
    end
    if t < last then t = last end
    local each = leak * b
    if each < 1 or t - last >= ceil(level, each) then level = 0 else level = level - (t - last) * each end
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
      -- Sums above 2^53 are not exact, so this one is worked out anew.
      c = 0
      for place = 1, #records, 8 do c = c + struct.unpack('>d', records, place) end
      c = math.min(c, EXACT)
    end
    -- Costs that are none add up to nothing that they could.
    if not whole(c, #records / 8, EXACT) then records, c = struct.pack('>d', cost), cost end
    b = math.max(l9, floor(125 * #records / c))
    level = level + cost * units
    kind, power, limit, period, at, a = 7, l3, l1, l2, t * tick, level
    ends = (t + ceil(level, leak * b)) * tick
    after = as_reported(kind, power, limit, period, at, a, b, c, records, made)
  elseif kind == 7 then
    before = as_reported(kind, power, limit, period, at, a, b, c, records)
  end
end
