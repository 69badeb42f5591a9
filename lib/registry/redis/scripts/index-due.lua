-- Reads users to check. An expired pending row is removed, and its user is among them: the process that wrote the row may have died
-- after it had listed a login. → user, score, due, …
--- @include "time"
--- @include "rows"

local active, expiry = unpack(KEYS)
local limit = unpack(ARGV)

local rows = {}
local due = redis.call('ZRANGEBYSCORE', expiry, '-inf', integer(now), 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #due, 2 do
  local user, at = due[i], due[i + 1]
  if isPending(user) then
    remove(user)
    user, at = userOf(user), integer(now)
    redis.call('ZADD', active, 'NX', integer(-micros), user)
    redis.call('ZADD', expiry, at, user)
  end
  rows[#rows + 1] = user
  rows[#rows + 1] = redis.call('ZSCORE', active, user) or ''
  rows[#rows + 1] = at
end
return rows
