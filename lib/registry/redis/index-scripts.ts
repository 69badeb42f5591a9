import { script } from "./script.js";

/**
 * Lua functions for the index of an application. Two sorted sets: `active`, user → last activity in microseconds, negative for a
 * user who is not shown as online; `expiry`, user → when to check the user. A user never gets the same score in `active` twice, so
 * the score shows whether a row was written since it was read.
 *
 * A pending row is a user and a nonce, separated by a space: see {@link INDEX_PEND}.
 */
const ROWS = `
local function isPending(member) return string.find(member, ' ', 1, true) ~= nil end

local function remove(member)
  redis.call('ZREM', KEYS[2], member)
  return redis.call('ZREM', KEYS[1], member)
end

-- Ignores the sign: a row that was hidden or shown since then is the same row.
local function isSame(member, score)
  return math.abs(tonumber(redis.call('ZSCORE', KEYS[1], member)) or 0) == math.abs(tonumber(score) or 0)
end
`;

/**
 * Records activity of a user and removes a pending row. KEYS active expiry everyone; ARGV user ttl isShorter pending → the last kick
 * of everyone, or `""`. The user is checked after `ttl` at the earliest; with `isShorter` of 1, at the latest.
 */
export const INDEX_TOUCH = script(
  ROWS,
  `
local before = math.abs(tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) or 0)
if micros <= before then micros = before + 1 end
redis.call('ZADD', KEYS[1], integer(micros), ARGV[1])
local expires = now + tonumber(ARGV[2])
local due = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[1]))
if not due or due < expires or ARGV[3] == '1' then redis.call('ZADD', KEYS[2], integer(expires), ARGV[1]) end
if ARGV[4] ~= '' then remove(ARGV[4]) end
return redis.call('GET', KEYS[3]) or ''
`,
);

/**
 * Writes a pending row before a login is adopted, so that a kick of everyone finds the user even if the process dies before it
 * writes the user's row. KEYS active expiry everyone; ARGV pending ttl → the last kick of everyone, or `""`. Only the writer or
 * expiry removes the row.
 */
export const INDEX_PEND = script(`
redis.call('ZADD', KEYS[1], integer(-micros), ARGV[1])
redis.call('ZADD', KEYS[2], integer(now + tonumber(ARGV[2])), ARGV[1])
return redis.call('GET', KEYS[3]) or ''
`);

/** Removes a pending row: nothing has been adopted. KEYS active expiry; ARGV pending. */
export const INDEX_UNPEND = script(ROWS, `return remove(ARGV[1])`);

/**
 * Drops each row that was not written since it was read. KEYS active expiry; ARGV user score user score …; `""`: there was no row
 * → 1 or 0 for each.
 */
export const INDEX_DROP = script(
  ROWS,
  `
local dropped = {}
for i = 1, #ARGV, 2 do dropped[#dropped + 1] = isSame(ARGV[i], ARGV[i + 1]) and remove(ARGV[i]) or 0 end
return dropped
`,
);

/** Schedules the check of a user after `ttl` at the latest. KEYS expiry; ARGV user ttl. */
export const INDEX_SOONER = script(`
local due = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]))
if not due then return 0 end
-- Always a different time, so that a check that has already begun does not count.
redis.call('ZADD', KEYS[1], integer(math.min(due - 1, now + tonumber(ARGV[2]))), ARGV[1])
return 1
`);

/**
 * Writes the results of checked users. KEYS active expiry; ARGV user score due verdict ttl for each → 1 or 0 for each: whether the
 * user has left the pages. Verdicts: `drop`: nothing of the user is left; `hide`: no login is shown, check again after `ttl`;
 * `show`. Skips a row that was written since it was read, or whose `due` has changed (`""`: not read).
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

/** Reads scores. KEYS active; ARGV user user … → the score of each, `""` for none. */
export const INDEX_SCORES = script(`
local scores = {}
for i = 1, #ARGV do scores[i] = redis.call('ZSCORE', KEYS[1], ARGV[i]) or '' end
return scores
`);

/** Reads users to check, and removes expired pending rows. KEYS active expiry; ARGV limit → user, score, due, … */
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

/** Reads a page of users, most recently active first. KEYS active; ARGV first last → the number of users shown; user, score, … */
export const INDEX_PAGE = script(`
local count = redis.call('ZCOUNT', KEYS[1], '(0', '+inf')
local last = math.min(tonumber(ARGV[2]), count - 1)
if last < tonumber(ARGV[1]) then return { count, {} } end
return { count, redis.call('ZREVRANGE', KEYS[1], ARGV[1], last, 'WITHSCORES') }
`);

/** Scans the index. KEYS active; ARGV cursor count → the next cursor; user, score, … */
export const INDEX_SCAN = script(`return redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])`);
