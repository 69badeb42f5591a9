-- Drops rows of an external key, unless a row has a later time by now. ARGV: login, since, login, since, …
--- @include "bound"

local bound = KEYS[1]

for i = 1, #ARGV, 2 do
  local since = readRow(redis.call('HGET', bound, ARGV[i]))
  if not isLater(since, ARGV[i + 1]) then redis.call('HDEL', bound, ARGV[i]) end
end
return 1
