-- Reads users who are shown, with this score or a lower one, the highest first. → user, score, …

local active = unpack(KEYS)
local score, limit = unpack(ARGV)

return redis.call('ZREVRANGEBYSCORE', active, score, '(0', 'WITHSCORES', 'LIMIT', 0, limit)
