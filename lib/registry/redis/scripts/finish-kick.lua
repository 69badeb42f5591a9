-- Forgets logins of a kick, whose ids are the arguments. → the number of logins left, and of logins of unfinished kicks.

local logins, kicked = unpack(KEYS)

redis.call('HDEL', kicked, unpack(ARGV))
return { redis.call('HLEN', logins), redis.call('HLEN', kicked) }
