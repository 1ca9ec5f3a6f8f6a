-- Arithmetic on whole numbers below 2^53, which doubles hold exactly (law L3; guide, chapter laws);
-- the twin of tick.rs.
local function ceil(number, divisor)
  local quotient = floor(number / divisor)
  if quotient * divisor < number then return quotient + 1 end
  return quotient
end
