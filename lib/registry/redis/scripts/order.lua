-- Adds some logins to the sorted set, starting anew at cursor 0. → the next cursor. Logins that are listed meanwhile add themselves.
--- @include "logins"

local logins, order = unpack(KEYS)
local cursor = unpack(ARGV)

if cursor == '0' then redis.call('UNLINK', order) end
local scanned = redis.call('HSCAN', logins, cursor, 'COUNT', READ_AT_ONCE)
putInOrder(logins, order, scanned[2])
return scanned[1]
