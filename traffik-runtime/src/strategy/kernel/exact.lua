-- Whole numbers below 2^53, which doubles hold exactly (L3); beside exact.rs.
local floor, EXACT = math.floor, 2 ^ 53

local function gcd(a, b)
  while a ~= 0 do a, b = b % a, a end
  return b
end

local function ceil(number, divisor)
  local quotient = floor(number / divisor)
  return quotient * divisor < number and quotient + 1 or quotient
end

-- What is left of a level after some ticks; an empty one is found before numbers grow beyond what is exact.
local function leaked(level, ticks, leak)
  if ticks >= ceil(level, leak) then return 0 end
  return level - ticks * leak
end
