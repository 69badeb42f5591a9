-- Lists a new login. → 1, and id, record, … of the logins that the limit has ended; nil: refused, because the user has been kicked since
-- `kickBefore` or the login has been ended. So a client can send the command twice. An empty list: refused by the limit. `count`: the
-- limit, "": none.
--- @include "logins"
--- @include "ends"
--- @include "limit"

local logins, ended, kicked, order = unpack(KEYS)
local id, sid, ttl, ip, userAgent, began, lasts, idle, count, whenFull, limitKick, channel, user, kickBefore = unpack(ARGV)

if kickIdOf(redis.call('HGET', ended, '*')) ~= kickBefore then return false end
if redis.call('HEXISTS', ended, '=' .. id) == 1 then return false end
local found = count == '' and {} or excess(logins, id, sid, tonumber(count))
if #found > 0 and whenFull == 'refuse' and redis.call('HEXISTS', logins, id) == 0 then return {} end
list(logins, order, id, sid, tonumber(ttl), ip, userAgent, began, lasts, idle)
return endExcess({ 1 }, found, logins, ended, kicked, order, limitKick, channel, user)
