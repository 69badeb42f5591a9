-- Stores the number of shards if what is stored is still what was read ("": nothing). → 1, or 0.

local shardCount = unpack(KEYS)
local before, after = unpack(ARGV)

if (redis.call('GET', shardCount) or '') ~= before then return 0 end
redis.call('SET', shardCount, after)
return 1
