-- Lists a new login. → 1: listed; nil: refused, because the user has been kicked since `kickBefore` or the login has been ended. So
-- a client can send the command twice.
--- @include "logins"
--- @include "ends"

local logins, ended, order = unpack(KEYS)
local id, sid, ttl, ip, userAgent, began, kickBefore = unpack(ARGV)

if kickIdOf(redis.call('HGET', ended, '*')) ~= kickBefore then return false end
if redis.call('HEXISTS', ended, '=' .. id) == 1 then return false end
list(logins, order, id, sid, tonumber(ttl), ip, userAgent, began)
return 1
