-- Whether this shard may be used: an index in several shards that has lost its number has lost its rows, too.
local function isKnown(isDivided, shardCount)
  return isDivided == '0' or redis.call('EXISTS', shardCount) == 1
end
