-- Does what a request does, and returns the clock. KEYS: the logins of any user. → Milliseconds since 1970, as a string.
--- @include "time"

redis.call('HGET', KEYS[1], 'none')
return integer(now)
