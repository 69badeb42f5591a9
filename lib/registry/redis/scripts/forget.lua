-- Removes all logins of a user, for `clear()`. Writes the kick, so that requests in flight cannot resume a login.
--- @include "logins"

local logins, ended, kicked, order = unpack(KEYS)
local kick, ttl = unpack(ARGV)

redis.call('UNLINK', logins, kicked, order)
redis.call('HDEL', ended, '*spared', '*kept')
redis.call('HSET', ended, '*', kick)
keep(ended, tonumber(ttl))
return 1
