-- The clock of Redis, in microseconds and milliseconds. The clocks of the nodes decide nothing.
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function integer(number) return string.format('%.0f', number) end
