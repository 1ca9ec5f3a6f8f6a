-- Arithmetic on whole numbers below 2^53, which doubles hold exactly (law L3; guide, chapter laws);
-- the twin of tick.rs. The quotient of two of them is rounded to a whole number only if it is one,
-- so the functions of the library are exact on it.
local floor, ceil = math.floor, math.ceil
