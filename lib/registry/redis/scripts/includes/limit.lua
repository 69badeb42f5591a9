-- Functions for a limit of sessions: the logins that share a session id are one.
--- @include "logins"
--- @include "ends"

local function isYounger(a, b)
  if a.record[2] ~= b.record[2] then return a.record[2] > b.record[2] end
  if a.record[1] ~= b.record[1] then return a.record[1] > b.record[1] end
  return a.id > b.id
end

-- → the logins beyond the `count` youngest sessions, of which the one with `sid` is the first. `id`: the login that gets it.
local function excess(logins, id, sid, count)
  if redis.call('HLEN', logins) < count then return {} end
  local others = {}
  local fields = redis.call('HGETALL', logins)
  for i = 1, #fields, 2 do
    local record = decode(fields[i + 1])
    if fields[i] ~= id and isLive(record) then
      others[#others + 1] = { id = fields[i], value = fields[i + 1], record = record }
    end
  end
  table.sort(others, isYounger)
  local kept, sessions, found = { [sid] = true }, 1, {}
  for _, other in ipairs(others) do
    local isKnown = false
    for i = 6, #other.record do isKnown = isKnown or kept[other.record[i]] end
    if isKnown or sessions < count then
      if not isKnown then sessions = sessions + 1 end
      for i = 6, #other.record do kept[other.record[i]] = true end
    else found[#found + 1] = other end
  end
  return found
end

-- Ends logins as a kick does. Their end is remembered until they would have expired. Appends id, record, … to `reply`.
local function endExcess(reply, found, logins, ended, kicked, order, kick, channel, user)
  local ids = {}
  for i, login in ipairs(found) do
    local ttl = login.record[3] - now
    drop(logins, order, login.id)
    redis.call('HSET', kicked, login.id, login.value)
    keep(kicked, ttl)
    remember(ended, login.id, kick, ttl)
    ids[i] = login.id
    reply[#reply + 1] = login.id
    reply[#reply + 1] = login.value
  end
  publish(channel, user, kick, ids)
  return reply
end
