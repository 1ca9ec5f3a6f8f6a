-- A level that leaks; the twin of meter.rs.
-- Parameters: l1 limit, l2 period, l3 power of ten of the tick, l4 tick, l5 largest cost, l6 units
-- of the level per unit of cost, l7 units that leak in a tick, l8 tolerance in units, or a number
-- above 2^53 if the whole cost needs room.
do
  local tick, units, leak = l4, l6, l7
  local t, level, last = (now - now % tick) / tick, 0, 0
  if kind == 3 then last = ceil(at / tick) end
  if last - t > l2 / tick then
    power, limit, period, at = l3, l1, l2, t * tick
    a = l8 > EXACT and l5 * units or l8 + ceil(units / leak) * leak
    last, filled = t, (t + ceil(a / leak)) * tick
  end
  if kind == 3 then
    level = a
    if period ~= l2 or limit ~= l1 or power ~= l3 then
      local ticks = floor(period / 10 ^ power)
      rare = rare or make_rare()
      local common = rare.gcd(limit, ticks)
      lives_until = math.max(at + ceil(level / (limit / common)) * 10 ^ power, extended_until)
      level = math.min(ceil(level / (ticks / common)), floor(EXACT / units)) * units
      if lives_until <= now then
        last, level = 0, 0
      else
        needed_until = (last + ceil(level / leak)) * tick
      end
    end
    if t < last then t = last end
    -- An empty level is found first, so that the product below stays exact.
    if t - last >= level / leak then level = 0 else level = level - (t - last) * leak end
  end
  fits = cost <= l5 and level <= (l8 > EXACT and (l5 - cost) * units or l8)
  if fits then
    level = level + cost * units
    kind, power, limit, period, at, a = 3, l3, l1, l2, t * tick, level
    ends = (t + ceil(level / leak)) * tick
  end
end
