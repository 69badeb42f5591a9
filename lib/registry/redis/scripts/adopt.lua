-- Lists a login that began earlier. → the id of the user's last kick, or ""; nil: refused; an empty list: the login
-- has left this session id.
--- @include "logins"
--- @include "ends"

local logins, ended, order = unpack(KEYS)
local id, sid, ttl, ip, userAgent, began, kickBefore, endCount, authenticatedAt = unpack(ARGV)

-- The same as in lib/util/clock-margin.ts.
local CLOCK_MARGIN_MS = 60000

local function counts(kick)
  local authenticated = tonumber(authenticatedAt)
  local at = authenticated and tonumber(string.match(kick, '^%S+ {"at":(%-?%d+)'))
  return not at or at + CLOCK_MARGIN_MS > authenticated
end

local kick = redis.call('HGET', ended, '*')
local kickId = kickIdOf(kick)
if kickId ~= '' and kickId ~= kickBefore and redis.call('HGET', ended, '*spared') ~= id and counts(kick) then return false end
if endsOf(ended, id) ~= tonumber(endCount) then return false end
local record = read(logins, id)
if not record then
  list(logins, order, id, sid, tonumber(ttl), ip, userAgent, began)
elseif not has(record, sid) then return {}
else
  record[2] = now
  record[3] = math.max(record[3], now + tonumber(ttl))
  record.shown = now + tonumber(ttl)
  write(logins, order, id, record)
end
return kickId
