-- Schedules the check of a user after `ttl` at the latest.
--- @include "time"

local expiry = unpack(KEYS)
local user, ttl = unpack(ARGV)

local due = tonumber(redis.call('ZSCORE', expiry, user))
if not due then return 0 end
-- Always a different time, so that a check that has already begun does not count.
redis.call('ZADD', expiry, integer(math.min(due - 1, now + tonumber(ttl))), user)
return 1
