-- Functions for the hash of a user's ended logins, and for notifications.
--
-- A kick is stored as `id json`. The JSON begins with {"at": and Lua reads no more of it. The ends of one login are stored as
-- `count expires kick`. Fields of the hash: `*`, the user's last kick; `*kept`, what this kick has spared, see spared.lua; `=` and a
-- login id, the ends of that login.
--- @include "time"
--- @include "logins"

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

-- Remembers the end of a login, with the kick, if it is not "". → how often the login has been ended.
local function remember(key, id, kick, ttl)
  dropExpiredEnds(key)
  local field = '=' .. id
  local ends = endsOf(key, id) + 1
  local expires, lastKick = string.match(redis.call('HGET', key, field) or '0 0 ', '^%d+ (%d+) (.*)$')
  if kick ~= '' then lastKick = kick end
  expires = math.max(tonumber(expires), now + ttl)
  redis.call('HSET', key, field, integer(ends) .. ' ' .. integer(expires) .. ' ' .. lastKick)
  keep(key, ttl)
  return ends
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
