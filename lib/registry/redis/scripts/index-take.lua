-- Shows a user whose row is in another shard, as recently active as there. The user is checked soon, because it is not known here for how
-- long a login is shown.
--- @include "time"

local active, expiry = unpack(KEYS)
local user, score = unpack(ARGV)

local last = math.max(math.abs(tonumber(redis.call('ZSCORE', active, user)) or 0), math.abs(tonumber(score) or 0))
redis.call('ZADD', active, integer(last == 0 and micros or last), user)
redis.call('ZADD', expiry, 'LT', integer(now), user)
return 1
