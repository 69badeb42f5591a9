-- Binds a login to an external key. → the kick record of a mark that applies to it, or nil. KEYS: the rows and the mark of the key.
-- `since`, `before`: see bound.lua.
--- @include "bound"

local bound, mark = unpack(KEYS)
local login, since, ttl = unpack(ARGV)
ttl = tonumber(ttl)

dropExpired(bound)
local expires = now + ttl
local keptSince, keptExpires = readRow(redis.call('HGET', bound, login))
if keptExpires > now then
  if isLater(keptSince, since) then since = keptSince end
  expires = math.max(expires, keptExpires)
end
redis.call('HSET', bound, login, since .. ' ' .. integer(expires))
keep(bound, expires - now)

local before, record = string.match(redis.call('GET', mark) or '', '^(%S+) (.*)$')
return before and since ~= '' and not isLater(since, before) and record
