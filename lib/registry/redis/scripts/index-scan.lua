-- Scans the index. → the next cursor; user, score, …

local active = unpack(KEYS)
local cursor, count = unpack(ARGV)

return redis.call('ZSCAN', active, cursor, 'COUNT', count)
