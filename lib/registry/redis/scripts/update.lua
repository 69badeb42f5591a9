-- Changes a listed login; "": unchanged. → 0: not listed; 1: shown for as long as before or longer; 2: shown for a shorter time; 3:
-- no longer shown; 4: not shown, as before. Then how long it is shown, and id, record, … of the logins that the limit has ended.
-- `count`: the limit for a new session id, "": none.
--- @include "logins"
--- @include "ends"
--- @include "limit"

local logins, ended, kicked, order = unpack(KEYS)
local id, addSid, removeSid, ttl, ip, userAgent, lasts, count, limitKick, channel, user = unpack(ARGV)

local record = read(logins, id)
if not record or not isLive(record) then return { 0 } end
local changed = without(record, removeSid)
local isNew = addSid ~= '' and not has(changed, addSid)
if isNew then changed[#changed + 1] = addSid end
if changed[4] == '' and changed[5] == '' then changed[4] = ip; changed[5] = userAgent end
if lasts ~= '' then
  local idle = record.lifetime and record.lifetime[2]
  changed.lifetime = { now + tonumber(lasts) - changed[1], idle or false }
end
if ttl ~= '' then activate(changed, tonumber(ttl)) end
write(logins, order, id, changed)

local function outcome()
  if not isShown(changed) then return isShown(record) and 3 or 4 end
  return isShown(record) and changed.shown < record.shown and 2 or 1
end

local reply = { outcome(), integer(changed.shown - now) }
if not isNew or count == '' then return reply end
local found = excess(logins, id, addSid, tonumber(count))
return endExcess(reply, found, logins, ended, kicked, order, limitKick, channel, user)
