-- Records activity of a user and removes a pending row, unless it is "". → the last kick of everyone, or "". The user is checked after
-- `ttl` at the earliest; with `isShorter` of 1, at the latest. nil: the number of shards has been lost, and nothing is written.
--- @include "time"
--- @include "rows"
--- @include "known"

local active, expiry, everyone, shardCount = unpack(KEYS)
local isDivided, user, ttl, isShorter, pending = unpack(ARGV)

if not isKnown(isDivided, shardCount) then return false end

local before = math.abs(tonumber(redis.call('ZSCORE', active, user)) or 0)
if micros <= before then micros = before + 1 end
redis.call('ZADD', active, integer(micros), user)
local expires = now + tonumber(ttl)
local due = tonumber(redis.call('ZSCORE', expiry, user))
if not due or due < expires or isShorter == '1' then redis.call('ZADD', expiry, integer(expires), user) end
if pending ~= '' then remove(pending) end
return redis.call('GET', everyone) or ''
