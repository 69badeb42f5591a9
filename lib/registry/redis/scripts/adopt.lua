-- Lists a login that began earlier. → the id of the user's last kick, or ""; the kicks of everyone that have spared the login; 1: it was
-- not listed before, 0: it was; id, record, … of the logins that the limit has ended. nil: refused; an empty list: the login has left
-- this session id; 0: refused by the limit. `count`: the limit, "": none. `everyone`: the last kick of everyone, if only that it has
-- spared the login lets the login be listed, otherwise "".
--- @include "logins"
--- @include "ends"
--- @include "spared"
--- @include "limit"

local logins, ended, kicked, order = unpack(KEYS)
local id, sid, ttl, ip, userAgent, began, lasts, idle, count, whenFull, limitKick, channel, user = unpack(ARGV)
local kickBefore, endCount, authenticatedAt, everyone = unpack(ARGV, 14)

-- The same as in lib/util/clock-margin.ts.
local CLOCK_MARGIN_MS = 60000

local function counts(kick)
  local authenticated = tonumber(authenticatedAt)
  local at = authenticated and tonumber(string.match(kick, '^%S+ {"at":(%-?%d+)'))
  return not at or at + CLOCK_MARGIN_MS > authenticated
end

local kick = redis.call('HGET', ended, '*')
local kickId = kickIdOf(kick)
local kicks = sparedLogins(ended)[id]
if kickId ~= '' and kickId ~= kickBefore and not kicks and counts(kick) then return false end
if everyone ~= '' and not isAmong(kicks or '', everyone) then return false end
if endsOf(ended, id) ~= tonumber(endCount) then return false end
local record = read(logins, id)
if record and record[3] > now and not isLive(record) then return false end
if record then
  if not has(record, sid) then return {} end
  activate(record, tonumber(ttl))
  write(logins, order, id, record)
  return { kickId, kicks or '', 0 }
end
local found = count == '' and {} or excess(logins, id, sid, tonumber(count))
if #found > 0 and whenFull == 'refuse' then return 0 end
list(logins, order, id, sid, tonumber(ttl), ip, userAgent, began, lasts, idle)
return endExcess({ kickId, kicks or '', 1 }, found, logins, ended, kicked, order, limitKick, channel, user)
