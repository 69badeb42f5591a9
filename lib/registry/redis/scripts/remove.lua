-- Ends one login. → record or nil; how often the login has been ended; the number of logins left; the number of logins of unfinished
-- kicks; how long the logins left are shown if that is shorter than this login was shown, otherwise "".
--
-- `endTtl`, `unlistedTtl`: how long the end is remembered if the login is listed, and if it is not; "": not at all. `condition`: "":
-- none; `sid`: ends the login only if it is listed with this session id; `last`: removes the session id, and ends the login only if
-- that was its last; `kick`: does not end the login if it is listed and the kick of everyone with this id has spared it.
--- @include "logins"
--- @include "ends"
--- @include "spared"

local logins, ended, kicked, order = unpack(KEYS)
local id, kick, endTtl, unlistedTtl, channel, user, condition, sid = unpack(ARGV)

local function shownLeft()
  if redis.call('HLEN', logins) > 32 then return 0 end
  local left = 0
  for _, value in ipairs(redis.call('HVALS', logins)) do
    local other = decode(value)
    if isShown(other) then left = math.max(left, other.shown - now) end
  end
  return left
end

local record = redis.call('HGET', logins, id)
-- A login whose lifetime is over is not listed any more. It is kept, as the reason.
local isKept = record and isOver(record)
if isKept then record = false end
if condition ~= '' then
  local login = record and decode(record)
  local isMet = login and has(login, sid)
  if condition == 'kick' then isMet = not (login and isAmong(sparedLogins(ended)[id] or '', sid)) end
  if isMet and condition == 'last' and #login > 6 then
    write(logins, order, id, without(login, sid))
    isMet = false
  end
  if not isMet then return { false, endsOf(ended, id), redis.call('HLEN', logins), redis.call('HLEN', kicked), '' } end
end
if not isKept then drop(logins, order, id) end
if record then publish(channel, user, kick, { id }) end
local isKick = kick ~= ''
if isKick and record then
  redis.call('HSET', kicked, id, record)
  keep(kicked, decode(record)[3] - now)
end
local ends = endsOf(ended, id)
local ttl = tonumber(record and endTtl or unlistedTtl)
if ttl then ends = remember(ended, id, kick, ttl) end
local left = redis.call('HLEN', logins)
local shown = ''
if record and left > 0 then
  local stays = shownLeft()
  if stays < decode(record).shown - now then shown = integer(stays) end
end
if isKick and not record then record = redis.call('HGET', kicked, id) end
return { record, ends, left, redis.call('HLEN', kicked), shown }
