-- Writes a pending row before a login is adopted, so that a kick of everyone finds the user even if the process dies before it
-- writes the user's row. → the last kick of everyone, or "". Only the writer or expiry removes the row: see index-due.lua. nil:
-- the number of shards has been lost, and nothing is written.
--- @include "time"
--- @include "known"

local active, expiry, everyone, shardCount = unpack(KEYS)
local isDivided, pending, ttl = unpack(ARGV)

if not isKnown(isDivided, shardCount) then return false end

redis.call('ZADD', active, integer(-micros), pending)
redis.call('ZADD', expiry, integer(now + tonumber(ttl)), pending)
return redis.call('GET', everyone) or ''
