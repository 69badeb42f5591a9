-- Kicks a user. → id, record, id, record, … of the logins of this kick and of unfinished ones. `except`, which may be left out: the
-- login that does not end, if it is listed.
--- @include "logins"
--- @include "ends"

local logins, ended, kicked, order = unpack(KEYS)
local kick, ttl, channel, user, except = unpack(ARGV)

local spared = except and read(logins, except)
redis.call('UNLINK', order)
if spared and isLive(spared) then
  redis.call('HDEL', logins, except)
  redis.call('HSET', ended, '*spared', except)
else
  spared = nil
  redis.call('HDEL', ended, '*spared')
end
local removed, ids = {}, {}
local fields = redis.call('HGETALL', logins)
for i = 1, #fields, 2 do
  if isOver(fields[i + 1]) then redis.call('HDEL', logins, fields[i])
  else
    ids[#ids + 1] = fields[i]
    removed[#removed + 1] = fields[i]
    removed[#removed + 1] = fields[i + 1]
  end
end
publish(channel, user, kick, ids)
if redis.call('EXISTS', kicked) == 0 then
  if #ids > 0 then redis.call('RENAME', logins, kicked) end
else
  for i = 1, #removed, 2 do redis.call('HSET', kicked, removed[i], removed[i + 1]) end
  keep(kicked, redis.call('PTTL', logins))
  redis.call('DEL', logins)
  removed = redis.call('HGETALL', kicked)
end
redis.call('HSET', ended, '*', kick)
keep(ended, tonumber(ttl))
if spared then write(logins, order, except, spared) end
return removed
