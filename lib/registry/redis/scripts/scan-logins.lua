-- Reads some logins of a hash that have not expired, starting at cursor 0. → the next cursor, id, record, id, record, … Each login
-- that is in the hash from the first call to the last is returned.
--- @include "logins"

local logins = KEYS[1]
local cursor = ARGV[1]

local scanned = redis.call('HSCAN', logins, cursor, 'COUNT', READ_AT_ONCE)
local reply = { scanned[1] }
local fields = scanned[2]
for i = 1, #fields, 2 do
  if decode(fields[i + 1])[3] > now then
    reply[#reply + 1] = fields[i]
    reply[#reply + 1] = fields[i + 1]
  end
end
return reply
