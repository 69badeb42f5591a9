-- Writes the results of checked users. Arguments: user score due verdict ttl for each. → 1 or 0 for each: whether the user has left
-- the pages. Verdicts: `drop`: nothing of the user is left; `hide`: no login is shown, check again after `ttl`; `show`. Skips a row
-- that was written since it was read, or whose `due` has changed ("": not read).
--- @include "time"
--- @include "rows"

local active, expiry = unpack(KEYS)

local function review(user, score, due, verdict, ttl)
  if not isSame(user, score) then return 0 end
  if due ~= '' and redis.call('ZSCORE', expiry, user) ~= due then return 0 end
  if verdict == 'drop' then
    remove(user)
    return 1
  end
  local found = tonumber(redis.call('ZSCORE', active, user)) or micros
  local sign = verdict == 'show' and 1 or -1
  redis.call('ZADD', active, integer(sign * math.abs(found)), user)
  redis.call('ZADD', expiry, integer(now + tonumber(ttl)), user)
  return verdict == 'hide' and found > 0 and 1 or 0
end

local left = {}
for i = 1, #ARGV, 5 do left[#left + 1] = review(unpack(ARGV, i, i + 4)) end
return left
