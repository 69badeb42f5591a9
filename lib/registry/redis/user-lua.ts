/** How many logins one message names. */
const TOLD_AT_ONCE = 1_000;
/** How many logins of a user are read as a whole; above that their order is kept in a sorted set. */
const READ_WHOLE = 256;
/** What an error says that is due to the data of one user alone. */
export const UNREADABLE = "UNREADABLE";

/**
 * A login in Lua, its end, and what a hash of them needs.
 *
 * A record is `[began, lastActive, expires, ip, userAgent, sid, sid, …]` with `shown`, until when lists show it; times in
 * epoch milliseconds. It is kept with the times as milliseconds since the first, which saves 16 bytes a login, and with
 * `shown`, a number among the session ids, only where it is not `expires`.
 *
 * The ids of a user with more than 256 logins are also in a sorted set, by the time they began; below zero where they are
 * not shown. It exists for such users alone. Where it is missing, or not as large as the hash, it is built by ORDER.
 */
export const LOGINS = `
local function decode(value)
  local isJson, record = pcall(cjson.decode, value)
  if not isJson or type(record) ~= 'table' or not (tonumber(record[1]) and tonumber(record[2]) and tonumber(record[3])) then
    error('${UNREADABLE} record of a login')
  end
  record[2] = record[1] + record[2]
  record[3] = record[1] + record[3]
  record.shown = record[3]
  for i = #record, 6, -1 do
    if type(record[i]) == 'number' then record.shown = record[1] + table.remove(record, i) end
  end
  return record
end

local function encode(record)
  local kept = { record[1], record[2] - record[1], record[3] - record[1] }
  for i = 4, #record do kept[i] = record[i] end
  if record.shown ~= record[3] then kept[#kept + 1] = record.shown - record[1] end
  return cjson.encode(kept)
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
    if count == ${String(READ_WHOLE + 1)} then putInOrder(logins, order, redis.call('HGETALL', logins)) end
  elseif count <= ${String(READ_WHOLE)} then redis.call('UNLINK', order)
  else
    redis.call('ZADD', order, place(record), id)
    keep(order, record[3] - now)
  end
end

local function drop(logins, order, id)
  redis.call('HDEL', logins, id)
  redis.call('ZREM', order, id)
end

-- A hash has no expiry of its own for a field before Redis 7.4. A few are looked at with every login, so that the work of
-- a step does not grow with the number of logins.
local function dropExpired(logins, order)
  local fields
  if redis.call('HLEN', logins) <= 32 then fields = redis.call('HGETALL', logins)
  else fields = redis.call('HRANDFIELD', logins, 32, 'WITHVALUES') end
  for i = 1, #fields, 2 do
    if decode(fields[i + 1])[3] <= now then drop(logins, order, fields[i]) end
  end
end

local function list(logins, order, id, sid, ttl, ip, userAgent, began)
  dropExpired(logins, order)
  local record = { tonumber(began) or now, now, now + ttl, ip, userAgent, sid }
  record.shown = record[3]
  write(logins, order, id, record)
end
`;

/**
 * How a mark stands everywhere: 'id json', with `{"at":` at the beginning of the json, of which Lua reads no more; an end of
 * one login: 'count expires mark'. The fields of a user's ends: `*`, the user's last kick; `*spared`, the login that it has
 * spared; `=` and an id, the ends of that login.
 */
export const ENDS = `
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

local function markId(value) return value and string.match(value, '^%S+') or '' end

-- Publishes which logins are off, in pieces that keep a message small. That no node may hear it (an ACL without the
-- channel) is no reason to fail: live connections look at the list as well.
local function publish(channel, user, mark, ids)
  for first = 1, #ids, ${String(TOLD_AT_ONCE)} do
    local message = { user, mark }
    for i = first, math.min(first + ${String(TOLD_AT_ONCE)} - 1, #ids) do message[#message + 1] = ids[i] end
    redis.pcall('PUBLISH', channel, cjson.encode(message))
  end
end
`;

/** How many logins of a user are read as a whole. */
export const READ_WHOLE_LUA = String(READ_WHOLE);
