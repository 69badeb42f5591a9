-- Reads rows of an external key, and drops those that have expired. → the next cursor, login, since, login, since, … A large hash is
-- read in several steps, of which the first has the cursor 0: each row that is there from the first to the last is returned, perhaps twice.
--- @include "bound"

-- Up to this many rows are read as a whole. Above it, one step would block Redis for long.
local READ_WHOLE = 1024
local READ_AT_ONCE = 512

local bound = KEYS[1]
local cursor = ARGV[1]

local fields
if cursor == '0' and redis.call('HLEN', bound) <= READ_WHOLE then fields = redis.call('HGETALL', bound)
else cursor, fields = unpack(redis.call('HSCAN', bound, cursor, 'COUNT', READ_AT_ONCE)) end
local reply = { cursor }
for i = 1, #fields, 2 do
  local since, expires = readRow(fields[i + 1])
  if expires > now then
    reply[#reply + 1] = fields[i]
    reply[#reply + 1] = since
  else redis.call('HDEL', bound, fields[i]) end
end
return reply
