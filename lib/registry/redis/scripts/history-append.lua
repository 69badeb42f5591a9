-- Keeps an entry in the history. About `most` entries are kept, for `ttl` milliseconds.
--- @include "time"

local history = unpack(KEYS)
local entry, most, ttl = unpack(ARGV)

redis.call('XADD', history, 'MAXLEN', '~', most, '*', 'entry', entry)
redis.call('XTRIM', history, 'MINID', '~', integer(math.max(0, now - ttl)))
redis.call('PEXPIRE', history, ttl)
