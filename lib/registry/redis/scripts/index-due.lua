-- Reads users to check, and removes expired pending rows. → user, score, due, …
--- @include "time"
--- @include "rows"

local active, expiry = unpack(KEYS)
local limit = unpack(ARGV)

local rows = {}
local due = redis.call('ZRANGEBYSCORE', expiry, '-inf', integer(now), 'WITHSCORES', 'LIMIT', 0, limit)
for i = 1, #due, 2 do
  if isPending(due[i]) then remove(due[i])
  else
    rows[#rows + 1] = due[i]
    rows[#rows + 1] = redis.call('ZSCORE', active, due[i]) or ''
    rows[#rows + 1] = due[i + 1]
  end
end
return rows
