-- Marks an external key: keeps the greatest time and its record, of two equal ones the new. The mark lives for `ttl` from now.

local mark = KEYS[1]
local before, record, ttl = unpack(ARGV)

local kept = tonumber(string.match(redis.call('GET', mark) or '', '^(%S+) '))
if kept and kept > tonumber(before) then redis.call('PEXPIRE', mark, ttl)
else redis.call('SET', mark, before .. ' ' .. record, 'PX', ttl) end
return 1
