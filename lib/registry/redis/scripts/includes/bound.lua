-- Functions for the rows of an external key: a hash, user and login → `since expires`. `expires`: epoch milliseconds. `since`: when the
-- user authenticated, in seconds, as the app has written it; "": unknown. It comes from the clock of the issuer, and is compared with
-- `before`, the time of a mark, alone. Neither is ever written anew, because Lua would round it.
--- @include "time"

-- Some of the rows, checked by each bind, so that expired ones go although a large hash is not read as a whole.
local CHECKED = 32

-- → since, expires. A row that is not there, or was not written by this package, has expired.
local function readRow(value)
  local since, expires = string.match(value or '', '^(%S*) (%d+)$')
  return since or '', tonumber(expires or 0)
end

local function isLater(since, other) return (tonumber(since) or -1) > (tonumber(other) or -1) end

local function keep(key, ttl)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, integer(ttl)) end
end

local function dropExpired(bound)
  local fields
  if redis.call('HLEN', bound) <= CHECKED then fields = redis.call('HGETALL', bound)
  else fields = redis.call('HRANDFIELD', bound, CHECKED, 'WITHVALUES') end
  for i = 1, #fields, 2 do
    local _, expires = readRow(fields[i + 1])
    if expires <= now then redis.call('HDEL', bound, fields[i]) end
  end
end
