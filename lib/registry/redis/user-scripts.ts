import { CLOCK_MARGIN_MS } from "../../util/clock-margin.js";
import { script } from "./script.js";
import { ENDS, LOGINS, READ_WHOLE_LUA } from "./user-lua.js";

/** How many records of a user with many logins one script reads at most: what else Redis has to do must not wait for long. */
const READ_AT_ONCE = "512";

/**
 * KEYS logins ended order; ARGV id sid ttl ip userAgent began kickBefore → 1 listed, nil refused: the user has been kicked
 * since, or the login has been ended. A client that sends it again lists nothing that has ended meanwhile.
 */
export const ADD = script(
  LOGINS,
  ENDS,
  `
if markId(redis.call('HGET', KEYS[2], '*')) ~= ARGV[7] then return false end
if redis.call('HEXISTS', KEYS[2], '=' .. ARGV[1]) == 1 then return false end
list(KEYS[1], KEYS[3], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6])
return 1
`,
);

/**
 * KEYS logins ended order; ARGV id sid ttl ip userAgent began kickBefore ends authenticatedAt → the id of the user's last
 * kick, or `""`; nil refused.
 */
export const ADOPT = script(
  LOGINS,
  ENDS,
  `
local function counts(mark)
  local authenticated = tonumber(ARGV[9])
  local at = authenticated and tonumber(string.match(mark, '^%S+ {"at":(%-?%d+)'))
  return not at or at + ${String(CLOCK_MARGIN_MS)} > authenticated
end

local mark = redis.call('HGET', KEYS[2], '*')
local kick = markId(mark)
if kick ~= '' and kick ~= ARGV[7] and redis.call('HGET', KEYS[2], '*spared') ~= ARGV[1] and counts(mark) then
  return false
end
if endsOf(KEYS[2], ARGV[1]) ~= tonumber(ARGV[8]) then return false end
local record = read(KEYS[1], ARGV[1])
if not record then
  list(KEYS[1], KEYS[3], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6])
elseif not has(record, ARGV[2]) then return false
else
  record[2] = now
  record[3] = math.max(record[3], now + tonumber(ARGV[3]))
  record.shown = now + tonumber(ARGV[3])
  write(KEYS[1], KEYS[3], ARGV[1], record)
end
return kick
`,
);

/**
 * KEYS logins order; ARGV id addSid removeSid ttl ip userAgent, `""` for what stays → 0 not listed, 1 shown for as long as
 * before or longer, 2 shown for a shorter time, 3 not shown any more, 4 not shown before either.
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
 * KEYS logins ended kicked order; ARGV id mark endTtl unlistedTtl channel user condition sid → record or nil, ends, logins left,
 * logins not settled, and for how long those that are left are shown, where that is shorter than this one was, or `""`. For
 * how long its end is remembered: `endTtl` if it is listed, else `unlistedTtl`; `""` if it need not be. `condition`: `""`; `sid`, if
 * it is listed with that; `last`, takes that off and ends the login if it was the last one.
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
  local isOn = login and has(login, ARGV[8])
  if isOn and ARGV[7] == 'last' and #login > 6 then
    write(KEYS[1], KEYS[4], ARGV[1], without(login, ARGV[8]))
    isOn = false
  end
  if not isOn then
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
  local expires, mark = string.match(redis.call('HGET', KEYS[2], field) or '0 0 ', '^%d+ (%d+) (.*)$')
  if isKick then mark = ARGV[2] end
  expires = math.max(tonumber(expires), now + ttl)
  redis.call('HSET', KEYS[2], field, integer(ends) .. ' ' .. integer(expires) .. ' ' .. mark)
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
 * KEYS logins ended kicked order; ARGV mark ttl channel user except → id, record, id, record, … of this kick and of those not
 * settled. `except`: the login that stays, if it is listed; none: left out.
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

/** KEYS logins kicked; ARGV id id … → logins left, logins not settled. */
export const SETTLE = script(`
redis.call('HDEL', KEYS[2], unpack(ARGV))
return { redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[2]) }
`);

/**
 * KEYS logins ended kicked order; ARGV mark ttl: takes a user off with all that is kept of the logins. The mark stays, so that
 * a login that is on its way back is refused.
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

/** KEYS any of the application; ARGV channel text: publishes it, for every node that may hear it. */
export const TELL = script(`
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return 1
`);

/**
 * KEYS logins order; ARGV cursor → the next cursor: puts some logins in order, from the first on where the cursor is 0. What is
 * listed meanwhile puts itself there.
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
 * KEYS logins kicked order; ARGV offset limit isOrdered → how many logins are shown, for how long one of those read is, for how long the
 * user's row is needed (below zero: no longer), 1 if the rest of the page is to be asked for (2: after ORDER, unless
 * `isOrdered`), 1 if these are all, id, record, … All that are shown, in no order, of a user with few logins; of one with many
 * the page, and an estimate of the number.
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

-- What is not shown leaves its place, so that the pages before and after stay what they are.
local function takePage(offset, limit)
  if redis.call('ZCARD', KEYS[3]) ~= count and ARGV[3] == '' then
    isCut = 2
    return
  end
  local looked = 0
  while #found < 2 * limit do
    if looked >= ${READ_AT_ONCE} then isCut = 1; break end
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
    looked = looked + #ids
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
