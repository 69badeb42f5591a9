-- Kicks a user. → the number of logins that do not end, then id, record, id, record, … of the logins of this kick and of unfinished
-- ones. `everyone`: the id of the kick if it is one of everyone, otherwise "". Further arguments: the logins that do not end, if they
-- are listed.
--- @include "logins"
--- @include "ends"
--- @include "spared"

local logins, ended, kicked, order = unpack(KEYS)
local kick, ttl, channel, user, everyone = unpack(ARGV)

local isExcepted = {}
for i = 6, #ARGV do isExcepted[ARGV[i]] = true end
local spared, removed, ids = {}, {}, {}
local fields = redis.call('HGETALL', logins)
for i = 1, #fields, 2 do
  local id, value = fields[i], fields[i + 1]
  local record = isExcepted[id] and decode(value)
  if record and isLive(record) then spared[#spared + 1] = { id = id, record = record }
  elseif isOver(value) then redis.call('HDEL', logins, id)
  else
    ids[#ids + 1] = id
    removed[#removed + 1] = id
    removed[#removed + 1] = value
  end
end
-- From here on no record is decoded, which may fail: the step has an effect as a whole, or none.
redis.call('UNLINK', order)
for _, login in ipairs(spared) do redis.call('HDEL', logins, login.id) end
publish(channel, user, kick, ids)
if redis.call('EXISTS', kicked) == 0 then
  if #ids > 0 then redis.call('RENAME', logins, kicked) end
else
  for i = 1, #removed, 2 do redis.call('HSET', kicked, removed[i], removed[i + 1]) end
  keep(kicked, redis.call('PTTL', logins))
  redis.call('DEL', logins)
  removed = redis.call('HGETALL', kicked)
end
putKick(ended, kick, everyone, spared)
keep(ended, tonumber(ttl))
for _, login in ipairs(spared) do write(logins, order, login.id, login.record) end
table.insert(removed, 1, #spared)
return removed
