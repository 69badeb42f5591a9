-- Functions that read and write the hash of a user's logins.
--
-- In Lua, a record is { began, lastActive, expires, ip, userAgent, sid, sid, … } with the field `shown`, until when lists show the
-- login; times are epoch milliseconds. Stored records have the second and third time relative to the first, which saves 16 bytes
-- a login, and `shown`, a number among the session ids, only if it differs from `expires`. A login with a lifetime of its own has an
-- array among the session ids, the field `lifetime`: how long it lasts after it began, and how long without activity; false: unlimited.
--
-- For users with more than READ_WHOLE logins, a sorted set has the login ids by the time they began, negative for logins that are
-- not shown. If it is missing or smaller than the hash, order.lua builds it.
--- @include "time"

-- Up to this many logins of a user are read as a whole. Above it, a sorted set keeps their order.
local READ_WHOLE = 256
-- The maximum number of records that one script reads, so that it does not block Redis for long.
local READ_AT_ONCE = 512

local function decode(value)
  local isJson, record = pcall(cjson.decode, value)
  if not isJson or type(record) ~= 'table' or not (tonumber(record[1]) and tonumber(record[2]) and tonumber(record[3])) then
    -- Known to records.ts as an error that is caused by the data of a single user.
    error('UNREADABLE record of a login')
  end
  record[2] = record[1] + record[2]
  record[3] = record[1] + record[3]
  record.shown = record[3]
  for i = #record, 6, -1 do
    if type(record[i]) == 'number' then record.shown = record[1] + table.remove(record, i)
    elseif type(record[i]) == 'table' then record.lifetime = table.remove(record, i) end
  end
  return record
end

local function encode(record)
  local kept = { record[1], record[2] - record[1], record[3] - record[1] }
  for i = 4, #record do kept[i] = record[i] end
  if record.shown ~= record[3] then kept[#kept + 1] = record.shown - record[1] end
  kept[#kept + 1] = record.lifetime
  return cjson.encode(kept)
end

-- When the lifetime of a login is over.
local function overAt(record)
  local lasts, idle = unpack(record.lifetime or {})
  return math.min(lasts and record[1] + lasts or math.huge, idle and record[2] + idle or math.huge)
end

local function isLive(record) return record[3] > now and overAt(record) > now end

-- Whether the lifetime of a stored record is over. Only a record with a lifetime has a second bracket, or a user agent.
local function isOver(value)
  if not string.find(value, '[', 2, true) then return false end
  local isRead, record = pcall(decode, value)
  return isRead and overAt(record) <= now
end

-- Records activity of a login whose session lives for `ttl` from now.
local function activate(record, ttl)
  record[2] = now
  record[3] = math.max(record[3], now + ttl)
  record.shown = math.min(now + ttl, overAt(record))
end

local function read(key, id)
  local value = redis.call('HGET', key, id)
  return value and decode(value)
end

local function keep(key, ttl)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, integer(ttl)) end
end

local function has(record, sid)
  for i = 6, #record do if record[i] == sid then return true end end
  return false
end

local function without(record, sid)
  local changed = { record[1], record[2], record[3], record[4], record[5] }
  for i = 6, #record do
    if record[i] ~= sid then changed[#changed + 1] = record[i] end
  end
  changed.shown = record.shown
  changed.lifetime = record.lifetime
  return changed
end

local function isShown(record) return #record > 5 and record.shown > now end

local function place(record) return integer((isShown(record) and 1 or -1) * math.max(1, record[1])) end

local function putInOrder(logins, order, fields)
  local rows = {}
  for i = 1, #fields, 2 do
    rows[#rows + 1] = string.match(fields[i + 1], '^%[(%d+)') or '1'
    rows[#rows + 1] = fields[i]
  end
  if #rows > 0 then redis.call('ZADD', order, unpack(rows)) end
  keep(order, redis.call('PTTL', logins))
end

local function write(logins, order, id, record)
  redis.call('HSET', logins, id, encode(record))
  keep(logins, record[3] - now)
  local count = redis.call('HLEN', logins)
  if redis.call('EXISTS', order) == 0 then
    if count == READ_WHOLE + 1 then putInOrder(logins, order, redis.call('HGETALL', logins)) end
  elseif count <= READ_WHOLE then redis.call('UNLINK', order)
  else
    redis.call('ZADD', order, place(record), id)
    keep(order, record[3] - now)
  end
end

local function drop(logins, order, id)
  redis.call('HDEL', logins, id)
  redis.call('ZREM', order, id)
end

-- Fields of a hash cannot expire before Redis 7.4. Every new login checks a few of them, so that the work of a step does not
-- grow with the number of logins.
local function dropExpired(logins, order)
  local fields
  if redis.call('HLEN', logins) <= 32 then fields = redis.call('HGETALL', logins)
  else fields = redis.call('HRANDFIELD', logins, 32, 'WITHVALUES') end
  for i = 1, #fields, 2 do
    if decode(fields[i + 1])[3] <= now then drop(logins, order, fields[i]) end
  end
end

local function list(logins, order, id, sid, ttl, ip, userAgent, began, lasts, idle)
  dropExpired(logins, order)
  local record = { tonumber(began) or now, now, 0, ip, userAgent, sid }
  if lasts ~= '' or idle ~= '' then record.lifetime = { tonumber(lasts) or false, tonumber(idle) or false } end
  activate(record, ttl)
  write(logins, order, id, record)
end
