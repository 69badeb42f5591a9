-- Functions for the index of an application: KEYS active expiry. Two sorted sets: `active`, user → last activity in microseconds,
-- negative for a user who is not shown as online; `expiry`, user → when to check the user. A user never gets the same score in
-- `active` twice, so the score shows whether a row was written since it was read. Only index-take.lua writes a score of another shard:
-- the row there stays.
--
-- A pending row is a user and a nonce, separated by a space: see index-pend.lua.

local function isPending(member) return string.find(member, ' ', 1, true) ~= nil end

local function userOf(member) return string.match(member, '^[^ ]*') end

local function remove(member)
  redis.call('ZREM', KEYS[2], member)
  return redis.call('ZREM', KEYS[1], member)
end

-- Ignores the sign: a row that was hidden or shown since then is the same row.
local function isSame(member, score)
  return math.abs(tonumber(redis.call('ZSCORE', KEYS[1], member)) or 0) == math.abs(tonumber(score) or 0)
end
