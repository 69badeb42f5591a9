import { CLOCK_MARGIN_MS } from "../../util/clock-margin.js";
import { script } from "./script.js";
import { ENDS, LOGINS, READ_WHOLE_LUA } from "./user-lua.js";

/** The maximum number of records that one script reads, so that it does not block Redis for long. */
const READ_AT_ONCE = "512";

/**
 * Lists a new login. KEYS logins ended order; ARGV id sid ttl ip userAgent began kickBefore → 1: listed; nil: refused, because the
 * user has been kicked since `kickBefore` or the login has been ended. So a client can send the command twice.
 */
export const ADD = script(
  LOGINS,
  ENDS,
  `
if kickIdOf(redis.call('HGET', KEYS[2], '*')) ~= ARGV[7] then return false end
if redis.call('HEXISTS', KEYS[2], '=' .. ARGV[1]) == 1 then return false end
list(KEYS[1], KEYS[3], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6])
return 1
`,
);

/**
 * Lists a login that began earlier. KEYS logins ended order; ARGV id sid ttl ip userAgent began kickBefore ends authenticatedAt
 * → the id of the user's last kick, or `""`; nil: refused; an empty list: the login has left this session id.
 */
export const ADOPT = script(
  LOGINS,
  ENDS,
  `
local function counts(kick)
  local authenticated = tonumber(ARGV[9])
  local at = authenticated and tonumber(string.match(kick, '^%S+ {"at":(%-?%d+)'))
  return not at or at + ${String(CLOCK_MARGIN_MS)} > authenticated
end

local kick = redis.call('HGET', KEYS[2], '*')
local kickId = kickIdOf(kick)
if kickId ~= '' and kickId ~= ARGV[7] and redis.call('HGET', KEYS[2], '*spared') ~= ARGV[1] and counts(kick) then
  return false
end
if endsOf(KEYS[2], ARGV[1]) ~= tonumber(ARGV[8]) then return false end
local record = read(KEYS[1], ARGV[1])
if not record then
  list(KEYS[1], KEYS[3], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6])
elseif not has(record, ARGV[2]) then return {}
else
  record[2] = now
  record[3] = math.max(record[3], now + tonumber(ARGV[3]))
  record.shown = now + tonumber(ARGV[3])
  write(KEYS[1], KEYS[3], ARGV[1], record)
end
return kickId
`,
);

/**
 * Changes a listed login. KEYS logins order; ARGV id addSid removeSid ttl ip userAgent, `""`: unchanged → 0: not listed; 1: shown
 * for as long as before or longer; 2: shown for a shorter time; 3: no longer shown; 4: not shown, as before.
 */
export const UPDATE = script(
  LOGINS,
  `
local record = read(KEYS[1], ARGV[1])
if not record or record[3] <= now then return 0 end
local changed = without(record, ARGV[3])
if ARGV[2] ~= '' and not has(changed, ARGV[2]) then changed[#changed + 1] = ARGV[2] end
if changed[4] == '' and changed[5] == '' then changed[4] = ARGV[5]; changed[5] = ARGV[6] end
if ARGV[4] ~= '' then
  changed[2] = now
  changed[3] = math.max(changed[3], now + tonumber(ARGV[4]))
  changed.shown = now + tonumber(ARGV[4])
end
write(KEYS[1], KEYS[2], ARGV[1], changed)
if not isShown(changed) then return isShown(record) and 3 or 4 end
return isShown(record) and changed.shown < record.shown and 2 or 1
`,
);

/**
 * Ends one login. KEYS logins ended kicked order; ARGV id kick endTtl unlistedTtl channel user condition sid → record or nil; how
 * often the login has been ended; the number of logins left; the number of logins of unfinished kicks; how long the logins left
 * are shown if that is shorter than this login was shown, otherwise `""`.
 *
 * `endTtl`, `unlistedTtl`: how long the end is remembered if the login is listed, and if it is not; `""`: not at all. `condition`:
 * `""`: none; `sid`: ends the login only if it is listed with this session id; `last`: removes the session id, and ends the login
 * only if that was its last.
 */
export const REMOVE = script(
  LOGINS,
  ENDS,
  `
local function shownLeft()
  if redis.call('HLEN', KEYS[1]) > 32 then return 0 end
  local left = 0
  for _, value in ipairs(redis.call('HVALS', KEYS[1])) do
    local other = decode(value)
    if isShown(other) then left = math.max(left, other.shown - now) end
  end
  return left
end

local record = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[7] ~= '' then
  local login = record and decode(record)
  local isMet = login and has(login, ARGV[8])
  if isMet and ARGV[7] == 'last' and #login > 6 then
    write(KEYS[1], KEYS[4], ARGV[1], without(login, ARGV[8]))
    isMet = false
  end
  if not isMet then
    return { false, endsOf(KEYS[2], ARGV[1]), redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[3]), '' }
  end
end
drop(KEYS[1], KEYS[4], ARGV[1])
if record then publish(ARGV[5], ARGV[6], ARGV[2], { ARGV[1] }) end
local isKick = ARGV[2] ~= ''
if isKick and record then
  redis.call('HSET', KEYS[3], ARGV[1], record)
  keep(KEYS[3], decode(record)[3] - now)
end
local ends = endsOf(KEYS[2], ARGV[1])
local ttl = tonumber(record and ARGV[3] or ARGV[4])
if ttl then
  dropExpiredEnds(KEYS[2])
  ends = ends + 1
  local field = '=' .. ARGV[1]
  local expires, kick = string.match(redis.call('HGET', KEYS[2], field) or '0 0 ', '^%d+ (%d+) (.*)$')
  if isKick then kick = ARGV[2] end
  expires = math.max(tonumber(expires), now + ttl)
  redis.call('HSET', KEYS[2], field, integer(ends) .. ' ' .. integer(expires) .. ' ' .. kick)
  keep(KEYS[2], ttl)
end
local left = redis.call('HLEN', KEYS[1])
local shown = ''
if record and left > 0 then
  local stays = shownLeft()
  if stays < decode(record).shown - now then shown = integer(stays) end
end
if isKick and not record then record = redis.call('HGET', KEYS[3], ARGV[1]) end
return { record, ends, left, redis.call('HLEN', KEYS[3]), shown }
`,
);

/**
 * Kicks a user. KEYS logins ended kicked order; ARGV kick ttl channel user [except] → id, record, id, record, … of the logins of
 * this kick and of unfinished ones. `except`: the login that does not end, if it is listed.
 */
export const REMOVE_ALL = script(
  LOGINS,
  ENDS,
  `
local spared = ARGV[5] and read(KEYS[1], ARGV[5])
redis.call('UNLINK', KEYS[4])
if spared and spared[3] > now then
  redis.call('HDEL', KEYS[1], ARGV[5])
  redis.call('HSET', KEYS[2], '*spared', ARGV[5])
else
  spared = nil
  redis.call('HDEL', KEYS[2], '*spared')
end
local removed = redis.call('HGETALL', KEYS[1])
local ids = {}
for i = 1, #removed, 2 do ids[#ids + 1] = removed[i] end
publish(ARGV[3], ARGV[4], ARGV[1], ids)
if redis.call('EXISTS', KEYS[3]) == 0 then
  if #ids > 0 then redis.call('RENAME', KEYS[1], KEYS[3]) end
else
  for i = 1, #removed, 2 do redis.call('HSET', KEYS[3], removed[i], removed[i + 1]) end
  keep(KEYS[3], redis.call('PTTL', KEYS[1]))
  redis.call('DEL', KEYS[1])
  removed = redis.call('HGETALL', KEYS[3])
end
redis.call('HSET', KEYS[2], '*', ARGV[1])
keep(KEYS[2], tonumber(ARGV[2]))
if spared then write(KEYS[1], KEYS[4], ARGV[5], spared) end
return removed
`,
);

/** Forgets logins of a kick. KEYS logins kicked; ARGV id id … → the number of logins left, and of logins of unfinished kicks. */
export const FINISH_KICK = script(`
redis.call('HDEL', KEYS[2], unpack(ARGV))
return { redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[2]) }
`);

/**
 * Removes all logins of a user, for `clear()`. KEYS logins ended kicked order; ARGV kick ttl. Writes the kick, so that requests in
 * flight cannot resume a login.
 */
export const FORGET = script(
  LOGINS,
  `
redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4])
redis.call('HDEL', KEYS[2], '*spared')
redis.call('HSET', KEYS[2], '*', ARGV[1])
keep(KEYS[2], tonumber(ARGV[2]))
return 1
`,
);

/** Publishes a message and ignores an ACL that forbids the channel. KEYS any key of the application; ARGV channel text. */
export const PUBLISH = script(`
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return 1
`);

/**
 * Adds some logins to the sorted set, starting anew at cursor 0. KEYS logins order; ARGV cursor → the next cursor. Logins that are
 * listed meanwhile add themselves.
 */
export const ORDER = script(
  LOGINS,
  `
if ARGV[1] == '0' then redis.call('UNLINK', KEYS[2]) end
local scanned = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ${READ_AT_ONCE})
putInOrder(KEYS[1], KEYS[2], scanned[2])
return scanned[1]
`,
);

/**
 * Reads the logins of a user that are shown. KEYS logins kicked order; ARGV offset limit isOrdered → the number of logins shown;
 * how long one of those read is shown; how long the user's index row is needed (negative: no longer); 0: the page is complete, 1:
 * call again for the rest, 2: call again after ORDER (never with `isOrdered`); 1: all logins of the user, unordered, 0: a page;
 * id, record, …
 *
 * Of a user with few logins, returns all of them; of one with many, the page and an estimate of the number.
 */
export const LIST = script(
  LOGINS,
  `
local count = redis.call('HLEN', KEYS[1])
local shown, total, isCut = 0, 0, 0
local found = {}

local function take(id, value, record)
  found[#found + 1] = id
  found[#found + 1] = value
  shown = math.max(shown, record.shown - now)
end

local function takeAll()
  local fields = redis.call('HGETALL', KEYS[1])
  for i = 1, #fields, 2 do
    local record = decode(fields[i + 1])
    if record[3] <= now then drop(KEYS[1], KEYS[3], fields[i])
    elseif isShown(record) then
      take(fields[i], fields[i + 1], record)
      total = total + 1
    end
  end
end

local function countShown() return redis.call('ZCOUNT', KEYS[3], '(0', '+inf') end

-- A login that is found not to be shown moves out of the range, so that the other pages stay the same.
local function takePage(offset, limit)
  if redis.call('ZCARD', KEYS[3]) ~= count and ARGV[3] == '' then
    isCut = 2
    return
  end
  local readCount = 0
  while #found < 2 * limit do
    if readCount >= ${READ_AT_ONCE} then isCut = 1; break end
    local first = offset + #found / 2
    local last = math.min(first + math.min(limit - #found / 2, 256), countShown()) - 1
    if last < first then break end
    local ids = redis.call('ZREVRANGE', KEYS[3], first, last)
    for i, value in ipairs(redis.call('HMGET', KEYS[1], unpack(ids))) do
      local record = value and decode(value)
      if not record or record[3] <= now then drop(KEYS[1], KEYS[3], ids[i])
      elseif not isShown(record) then redis.call('ZADD', KEYS[3], place(record), ids[i])
      else take(ids[i], value, record) end
    end
    readCount = readCount + #ids
  end
  total = countShown()
end

local isWhole = count <= ${READ_WHOLE_LUA} and 1 or 0
if isWhole == 1 then takeAll() else takePage(tonumber(ARGV[1]), tonumber(ARGV[2])) end

local function keptFor(key)
  local ttl = redis.call('PTTL', key)
  return ttl == -1 and 86400000 or ttl
end

local kept = math.max(keptFor(KEYS[1]), keptFor(KEYS[2]))
return { total, integer(shown), kept, isCut, isWhole, unpack(found) }
`,
);
