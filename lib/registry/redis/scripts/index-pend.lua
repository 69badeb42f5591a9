-- Writes a pending row before a login is adopted, so that a kick of everyone finds the user even if the process dies before it
-- writes the user's row. → the last kick of everyone, or "". Only the writer or expiry removes the row: see index-due.lua.
--- @include "time"

local active, expiry, everyone = unpack(KEYS)
local pending, ttl = unpack(ARGV)

redis.call('ZADD', active, integer(-micros), pending)
redis.call('ZADD', expiry, integer(now + tonumber(ttl)), pending)
return redis.call('GET', everyone) or ''
