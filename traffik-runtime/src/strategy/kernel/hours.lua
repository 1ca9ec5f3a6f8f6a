-- A count whose limit depends on the time of day; beside hours.rs.
-- Law: limit, period, then pairs: from which microsecond of a UTC day which limit holds.
local DAY = 86400000000

kernels[HOURS] = function(law, state, now, cost)
  local limit, period = law[2], law[3]
  local start, count = window_at(period, state, now)
  local moment, most = start % DAY, 0
  for place = 4, #law, 2 do
    if law[place] <= moment then most = law[place + 1] end
  end
  if count + cost > most then return nil end
  return window_after(limit, period, start, count + cost)
end
