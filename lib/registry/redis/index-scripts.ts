import { script } from "./script.js";

/**
 * The index of an application: `active`, user → last activity in microseconds, below zero for one who is not shown as online;
 * `expiry`, user → when to look at the user again. No score stands twice for a user, so that it shows
 * whether a row was written again since it was read.
 *
 * A pending row is a user and a nonce, with a space between: see {@link INDEX_PEND}.
 */
const ROWS = `
local function isPending(member) return string.find(member, ' ', 1, true) ~= nil end

local function remove(member)
  redis.call('ZREM', KEYS[2], member)
  return redis.call('ZREM', KEYS[1], member)
end

-- Of either sign: one that is hidden or shown meanwhile is the same row.
local function isSame(member, score)
  return math.abs(tonumber(redis.call('ZSCORE', KEYS[1], member)) or 0) == math.abs(tonumber(score) or 0)
end
`;

/**
 * KEYS active expiry everyone; ARGV user ttl isShorter pending → the mark of the last kick of everyone, or `""`. The user is
 * looked at again no sooner than after `ttl`; where `isShorter` is 1, no later. The pending row goes.
 */
export const INDEX_TOUCH = script(
  ROWS,
  `
local before = math.abs(tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) or 0)
if micros <= before then micros = before + 1 end
redis.call('ZADD', KEYS[1], integer(micros), ARGV[1])
local expires = now + tonumber(ARGV[2])
local known = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]))
if not known or known < expires or ARGV[3] == '1' then redis.call('ZADD', KEYS[2], integer(expires), ARGV[1]) end
if ARGV[4] ~= '' then remove(ARGV[4]) end
return redis.call('GET', KEYS[3]) or ''
`,
);

/**
 * KEYS active expiry everyone; ARGV pending ttl → the mark of the last kick of everyone, or `""`. Written before a login is
 * adopted: by it a kick of everyone finds the user, though the process dies before it writes the user's row. Only its writer
 * and time remove it.
 */
export const INDEX_PEND = script(`
redis.call('ZADD', KEYS[1], integer(-micros), ARGV[1])
redis.call('ZADD', KEYS[2], integer(now + tonumber(ARGV[2])), ARGV[1])
return redis.call('GET', KEYS[3]) or ''
`);

/** KEYS active expiry; ARGV pending: nothing has been adopted. */
export const INDEX_UNPEND = script(ROWS, `return remove(ARGV[1])`);

/**
 * KEYS active expiry; ARGV user score user score …: drops each row that was not written again since it was read (`""`: that
 * was not there). → 1 or 0 for each.
 */
export const INDEX_DROP = script(
  ROWS,
  `
local dropped = {}
for i = 1, #ARGV, 2 do dropped[#dropped + 1] = isSame(ARGV[i], ARGV[i + 1]) and remove(ARGV[i]) or 0 end
return dropped
`,
);

/** KEYS expiry; ARGV user ttl: the user is looked at again after `ttl` at the latest. */
export const INDEX_SOONER = script(`
local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]))
if not known then return 0 end
-- Always another time: a look that has begun before does not count.
redis.call('ZADD', KEYS[1], integer(math.min(known - 1, now + tonumber(ARGV[2]))), ARGV[1])
return 1
`);

/**
 * KEYS active expiry; ARGV user score due verdict ttl, again and again: what was found of users whose rows were read. `drop`:
 * there is nothing left; `hide`: nothing that is shown, look again after `ttl`; `show`. Not where the row was written since,
 * or the time to look (`""`: that was not read) is another one. → 1 or 0 for each: whether it has left the pages.
 */
export const INDEX_REVIEW = script(
  ROWS,
  `
local function review(user, score, due, verdict, ttl)
  if not isSame(user, score) then return 0 end
  if due ~= '' and redis.call('ZSCORE', KEYS[2], user) ~= due then return 0 end
  if verdict == 'drop' then
    remove(user)
    return 1
  end
  local found = tonumber(redis.call('ZSCORE', KEYS[1], user)) or micros
  local sign = verdict == 'show' and 1 or -1
  redis.call('ZADD', KEYS[1], integer(sign * math.abs(found)), user)
  redis.call('ZADD', KEYS[2], integer(now + tonumber(ttl)), user)
  return verdict == 'hide' and found > 0 and 1 or 0
end

local left = {}
for i = 1, #ARGV, 5 do left[#left + 1] = review(unpack(ARGV, i, i + 4)) end
return left
`,
);

/** KEYS active; ARGV user user … → the score of each, `""` for one who has none. */
export const INDEX_SCORES = script(`
local scores = {}
for i = 1, #ARGV do scores[i] = redis.call('ZSCORE', KEYS[1], ARGV[i]) or '' end
return scores
`);

/** KEYS active expiry; ARGV most → user, score, due, … of those who are to be looked at. Pending rows have had their time. */
export const INDEX_DUE = script(
  ROWS,
  `
local rows = {}
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', integer(now), 'WITHSCORES', 'LIMIT', 0, ARGV[1])
for i = 1, #due, 2 do
  if isPending(due[i]) then remove(due[i])
  else
    rows[#rows + 1] = due[i]
    rows[#rows + 1] = redis.call('ZSCORE', KEYS[1], due[i]) or ''
    rows[#rows + 1] = due[i + 1]
  end
end
return rows
`,
);

/** KEYS active; ARGV first last → the number of rows shown, and user, score, … of a page of them, newest activity first. */
export const INDEX_PAGE = script(`
local count = redis.call('ZCOUNT', KEYS[1], '(0', '+inf')
local last = math.min(tonumber(ARGV[2]), count - 1)
if last < tonumber(ARGV[1]) then return { count, {} } end
return { count, redis.call('ZREVRANGE', KEYS[1], ARGV[1], last, 'WITHSCORES') }
`);

/** KEYS active; ARGV cursor count → next cursor, and user, score, … */
export const INDEX_SCAN = script(`return redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])`);
