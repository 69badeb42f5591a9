-- Changes a listed login; "": unchanged. → 0: not listed; 1: shown for as long as before or longer; 2: shown for a shorter time; 3:
-- no longer shown; 4: not shown, as before.
--- @include "logins"

local logins, order = unpack(KEYS)
local id, addSid, removeSid, ttl, ip, userAgent = unpack(ARGV)

local record = read(logins, id)
if not record or record[3] <= now then return 0 end
local changed = without(record, removeSid)
if addSid ~= '' and not has(changed, addSid) then changed[#changed + 1] = addSid end
if changed[4] == '' and changed[5] == '' then changed[4] = ip; changed[5] = userAgent end
if ttl ~= '' then
  changed[2] = now
  changed[3] = math.max(changed[3], now + tonumber(ttl))
  changed.shown = now + tonumber(ttl)
end
write(logins, order, id, changed)
if not isShown(changed) then return isShown(record) and 3 or 4 end
return isShown(record) and changed.shown < record.shown and 2 or 1
