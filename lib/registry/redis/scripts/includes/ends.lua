-- Functions for the hash of a user's ended logins, and for notifications.
--
-- A kick is stored as `id json`. The JSON begins with {"at": and Lua reads no more of it. The ends of one login are stored as
-- `count expires kick`. Fields of the hash: `*`, the user's last kick; `*spared`, the login that this kick has spared; `=` and a
-- login id, the ends of that login.
--- @include "time"

-- The maximum number of logins in one message.
local LOGINS_PER_MESSAGE = 1000

local function dropExpiredEnds(key)
  local fields
  if redis.call('HLEN', key) <= 32 then fields = redis.call('HGETALL', key)
  else fields = redis.call('HRANDFIELD', key, 32, 'WITHVALUES') end
  for i = 1, #fields, 2 do
    local expires = string.sub(fields[i], 1, 1) == '=' and tonumber(string.match(fields[i + 1], '^%d+ (%d+)'))
    if expires and expires <= now then redis.call('HDEL', key, fields[i]) end
  end
end

local function endsOf(key, id)
  local value = redis.call('HGET', key, '=' .. id)
  return value and tonumber(string.match(value, '^%d+')) or 0
end

local function kickIdOf(value) return value and string.match(value, '^%S+') or '' end

-- Publishes the ended logins, in several small messages. Ignores an ACL that forbids the channel: nodes that receive no
-- notifications poll the registry.
local function publish(channel, user, kick, ids)
  for first = 1, #ids, LOGINS_PER_MESSAGE do
    local message = { user, kick }
    for i = first, math.min(first + LOGINS_PER_MESSAGE - 1, #ids) do message[#message + 1] = ids[i] end
    redis.pcall('PUBLISH', channel, cjson.encode(message))
  end
end
