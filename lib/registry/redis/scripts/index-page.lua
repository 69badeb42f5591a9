-- Reads a page of users, most recently active first. → the number of users shown; user, score, …

local active = unpack(KEYS)
local first, last = tonumber(ARGV[1]), tonumber(ARGV[2])

local count = redis.call('ZCOUNT', active, '(0', '+inf')
last = math.min(last, count - 1)
if last < first then return { count, {} } end
return { count, redis.call('ZREVRANGE', active, first, last, 'WITHSCORES') }
