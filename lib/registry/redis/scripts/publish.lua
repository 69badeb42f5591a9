-- Publishes a message and ignores an ACL that forbids the channel. KEYS: any key of the application.

local channel, message = unpack(ARGV)

redis.pcall('PUBLISH', channel, message)
return 1
