import { createHash } from "node:crypto";

/** How many logins one message tells of. */
const TOLD_AT_ONCE = 1_000;
/** After how many values in its replies a script for many calls leaves the rest to another: a login of a kick is two. */
const REPLIED_AT_ONCE = 2_000;

/** One atomic step, in Lua. */
export interface Script {
  readonly source: string;
  /** What EVALSHA calls it by. */
  readonly sha: string;
}

/** A step that a kick takes for each of many users. */
export interface RepeatedScript extends Script {
  /**
   * The same for many calls. KEYS are those of all calls, in their order; ARGV for each: how many are his, and those. → for
   * each 1 and his reply, or 0 and his error: what is wrong with one user must not keep the others from being kicked. Fewer
   * replies than calls: the rest is to be asked again, so that nobody else waits for long.
   */
  readonly forMany: Script;
}

/**
 * What the scripts share. A record is `[began, lastActive, expires, ip, userAgent, sid, sid, …]`, times in epoch
 * milliseconds by the clock of Redis: the clocks of the nodes decide nothing. It is kept with the second and the third as
 * milliseconds since the first, which saves 16 bytes a login.
 */
const SHARED = `
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function integer(number) return string.format('%.0f', number) end

local function decode(value)
  local record = cjson.decode(value)
  record[2] = record[1] + record[2]
  record[3] = record[1] + record[3]
  return record
end

local function encode(record)
  local kept = { record[1], record[2] - record[1], record[3] - record[1] }
  for i = 4, #record do kept[i] = record[i] end
  return cjson.encode(kept)
end

local function read(key, id)
  local value = redis.call('HGET', key, id)
  return value and decode(value)
end

local function keep(key, ttl)
  if redis.call('PTTL', key) < ttl then redis.call('PEXPIRE', key, integer(ttl)) end
end

local function write(key, id, record)
  redis.call('HSET', key, id, encode(record))
  keep(key, record[3] - now)
end

local function has(record, sid)
  for i = 6, #record do if record[i] == sid then return true end end
  return false
end

-- A hash has no expiry of its own for a field before Redis 7.4. A few are looked at with every login, so that the work of
-- a step does not grow with the number of logins.
local function dropExpired(key)
  local fields
  if redis.call('HLEN', key) <= 32 then fields = redis.call('HGETALL', key)
  else fields = redis.call('HRANDFIELD', key, 32, 'WITHVALUES') end
  for i = 1, #fields, 2 do
    if decode(fields[i + 1])[3] <= now then redis.call('HDEL', key, fields[i]) end
  end
end

local function list(key, id, sid, ttl, ip, userAgent, began)
  dropExpired(key)
  write(key, id, { tonumber(began) or now, now, now + ttl, ip, userAgent, sid })
end

-- How a mark stands everywhere: 'id json'; an end of one login: 'count expires mark'. Lua does not read the json. The fields
-- of a user's ends: '*', his last kick; '*spared', the login that it has spared; '=' and an id, the ends of that login.
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

-- Tells every node which logins are off, in pieces that keep a message small. That nobody may hear it (an ACL without the
-- channel) is no reason to fail: whoever waits looks at the list.
local function tell(channel, user, mark, ids)
  for first = 1, #ids, ${String(TOLD_AT_ONCE)} do
    local message = { user, mark }
    for i = first, math.min(first + ${String(TOLD_AT_ONCE)} - 1, #ids) do message[#message + 1] = ids[i] end
    redis.pcall('PUBLISH', channel, cjson.encode(message))
  end
end

local function markId(value) return value and string.match(value, '^%S+') or '' end
`;

function script(body: string): Script {
  return withDigest(SHARED + body);
}

/** @param keys - how many each call has */
function repeatedScript(keys: number, body: string): RepeatedScript {
  const forMany = `${SHARED}
local function step(KEYS, ARGV)
${body}
end

local replies = {}
local size = 0
local first = 1
for key = 1, #KEYS, ${String(keys)} do
  local last = first + tonumber(ARGV[first])
  local isDone, reply = pcall(step, { unpack(KEYS, key, key + ${String(keys - 1)}) }, { unpack(ARGV, first + 1, last) })
  if not isDone then reply = type(reply) == 'table' and reply.err or tostring(reply) end
  replies[#replies + 1] = { isDone and 1 or 0, reply }
  first = last + 1
  size = size + (type(reply) == 'table' and #reply or 1)
  if size > ${String(REPLIED_AT_ONCE)} then break end
end
return replies
`;
  return { ...script(body), forMany: withDigest(forMany) };
}

function withDigest(source: string): Script {
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}

/** KEYS logins ended; ARGV id sid ttl ip userAgent began → the id of the user's last kick, or `""`. */
export const ADD = script(`
list(KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6])
return markId(redis.call('HGET', KEYS[2], '*'))
`);

/** KEYS logins ended; ARGV id sid ttl ip userAgent began kickBefore ends → 1 listed, 0 refused. */
export const ADOPT = script(`
local mark = markId(redis.call('HGET', KEYS[2], '*'))
if mark ~= '' and mark ~= ARGV[7] and redis.call('HGET', KEYS[2], '*spared') ~= ARGV[1] then return 0 end
if endsOf(KEYS[2], ARGV[1]) ~= tonumber(ARGV[8]) then return 0 end
local record = read(KEYS[1], ARGV[1])
if not record then
  list(KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6])
elseif not has(record, ARGV[2]) then return 0
else
  record[2] = now
  record[3] = math.max(record[3], now + tonumber(ARGV[3]))
  write(KEYS[1], ARGV[1], record)
end
return 1
`);

/** KEYS logins; ARGV id addSid removeSid ttl ip userAgent, `""` for what stays → 1 if listed, else 0. */
export const UPDATE = script(`
local record = read(KEYS[1], ARGV[1])
if not record then return 0 end
local changed = { record[1], record[2], record[3], record[4], record[5] }
for i = 6, #record do
  if record[i] ~= ARGV[3] then changed[#changed + 1] = record[i] end
end
if ARGV[2] ~= '' and not has(changed, ARGV[2]) then changed[#changed + 1] = ARGV[2] end
if changed[4] == '' and changed[5] == '' then changed[4] = ARGV[5]; changed[5] = ARGV[6] end
if ARGV[4] ~= '' then
  changed[2] = now
  changed[3] = math.max(changed[3], now + tonumber(ARGV[4]))
end
write(KEYS[1], ARGV[1], changed)
return 1
`);

/**
 * KEYS logins ended kicked; ARGV id mark endTtl unlistedTtl channel user → record or nil, ends, logins left, logins not
 * settled. For how long its end is remembered: `endTtl` if it is listed, `""` if it need not be, else `unlistedTtl`.
 */
export const REMOVE = script(`
local record = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
if record then tell(ARGV[5], ARGV[6], ARGV[2], { ARGV[1] }) end
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
if isKick and not record then record = redis.call('HGET', KEYS[3], ARGV[1]) end
return { record, ends, redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[3]) }
`);

/**
 * KEYS logins ended kicked; ARGV mark ttl channel user except → id, record, id, record, … of this kick and of those not
 * settled. `except`: the login that stays, if it is listed; none: left out.
 */
export const REMOVE_ALL = repeatedScript(
  3,
  `
local spared = ARGV[5] and read(KEYS[1], ARGV[5])
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
tell(ARGV[3], ARGV[4], ARGV[1], ids)
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
if spared then write(KEYS[1], ARGV[5], spared) end
return removed
`,
);

/** KEYS logins kicked; ARGV id id … → logins left, logins not settled. */
export const SETTLE = repeatedScript(
  2,
  `
redis.call('HDEL', KEYS[2], unpack(ARGV))
return { redis.call('HLEN', KEYS[1]), redis.call('HLEN', KEYS[2]) }
`,
);

/** KEYS some → how many of them there were, which are gone now. */
export const TAKE_AWAY = script(`return redis.call('DEL', unpack(KEYS))`);

/** KEYS any of the application; ARGV channel text: tells every node that may hear it. */
export const TELL = script(`
redis.pcall('PUBLISH', ARGV[1], ARGV[2])
return 1
`);

/** KEYS logins → id, record, id, record, … of the live ones. */
export const LIST = script(`
local fields = redis.call('HGETALL', KEYS[1])
local live = {}
for i = 1, #fields, 2 do
  if decode(fields[i + 1])[3] > now then
    live[#live + 1] = fields[i]
    live[#live + 1] = fields[i + 1]
  else
    redis.call('HDEL', KEYS[1], fields[i])
  end
end
return live
`);

/**
 * KEYS active expiry everyone; ARGV user ttl → the mark of the last kick of everyone, or `""`. No score stands twice for a
 * user, so that {@link INDEX_DROP} can tell whether a row was written again since it was read.
 */
export const INDEX_TOUCH = script(`
local before = math.abs(tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) or 0)
if micros <= before then micros = before + 1 end
redis.call('ZADD', KEYS[1], integer(micros), ARGV[1])
local expires = now + tonumber(ARGV[2])
local known = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]))
if not known or known < expires then redis.call('ZADD', KEYS[2], integer(expires), ARGV[1]) end
return redis.call('GET', KEYS[3]) or ''
`);

/**
 * KEYS active expiry; ARGV user score user score …: drops each row that still has the score it was read with (`""`: that
 * was not there). → 1 or 0 for each.
 */
export const INDEX_DROP = script(`
local dropped = {}
for i = 1, #ARGV, 2 do
  local isSame = (redis.call('ZSCORE', KEYS[1], ARGV[i]) or '') == ARGV[i + 1]
  dropped[#dropped + 1] = isSame and redis.call('ZREM', KEYS[1], ARGV[i]) or 0
  if isSame then redis.call('ZREM', KEYS[2], ARGV[i]) end
end
return dropped
`);

/**
 * KEYS active; ARGV user score user score …: turns each score that is still the one it was read with below zero, where it is
 * not so already. → 1 or 0 for each.
 */
export const INDEX_RETIRE = script(`
local retired = {}
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i]) or '0'
  local isSame = score == ARGV[i + 1] and tonumber(score) > 0
  if isSame then redis.call('ZADD', KEYS[1], '-' .. score, ARGV[i]) end
  retired[#retired + 1] = isSame and 1 or 0
end
return retired
`);

/** KEYS active; ARGV user user … → the score of each, `""` for one who has none. */
export const INDEX_SCORES = script(`
local scores = {}
for i = 1, #ARGV do scores[i] = redis.call('ZSCORE', KEYS[1], ARGV[i]) or '' end
return scores
`);

/** KEYS active expiry; ARGV most → user, score, … of those whose logins have expired. */
export const INDEX_EXPIRED = script(`
local rows = {}
for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', integer(now), 'LIMIT', 0, ARGV[1])) do
  rows[#rows + 1] = user
  rows[#rows + 1] = redis.call('ZSCORE', KEYS[1], user) or ''
end
return rows
`);

/** KEYS active; ARGV first last → the number of active rows, and user, score, … of a page of them, newest activity first. */
export const INDEX_PAGE = script(`
local count = redis.call('ZCOUNT', KEYS[1], '(0', '+inf')
local last = math.min(tonumber(ARGV[2]), count - 1)
if last < tonumber(ARGV[1]) then return { count, {} } end
return { count, redis.call('ZREVRANGE', KEYS[1], ARGV[1], last, 'WITHSCORES') }
`);

/** KEYS active; ARGV cursor count → next cursor, and user, score, … */
export const INDEX_SCAN = script(`return redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])`);
