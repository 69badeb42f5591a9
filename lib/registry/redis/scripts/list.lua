-- Reads the logins of a user that are shown. → the number of logins shown; how long one of those read is shown; how long the user's
-- index row is needed (negative: no longer); 0: the page is complete, 1: call again for the rest, 2: call again after order.lua
-- (never with `isOrdered`); 1: all logins of the user, unordered, 0: a page; id, record, …
--
-- Of a user with few logins, returns all of them; of one with many, the page and an estimate of the number.
--- @include "logins"

local logins, kicked, order = unpack(KEYS)
local offset, limit, isOrdered = unpack(ARGV)

local count = redis.call('HLEN', logins)
local shown, total, isCut = 0, 0, 0
local found = {}

local function take(id, value, record)
  found[#found + 1] = id
  found[#found + 1] = value
  shown = math.max(shown, record.shown - now)
end

local function takeAll()
  local fields = redis.call('HGETALL', logins)
  for i = 1, #fields, 2 do
    local record = decode(fields[i + 1])
    if record[3] <= now then drop(logins, order, fields[i])
    elseif isShown(record) then
      take(fields[i], fields[i + 1], record)
      total = total + 1
    end
  end
end

local function countShown() return redis.call('ZCOUNT', order, '(0', '+inf') end

-- A login that is found not to be shown moves out of the range, so that the other pages stay the same.
local function takePage(start, size)
  if redis.call('ZCARD', order) ~= count and isOrdered == '' then
    isCut = 2
    return
  end
  local readCount = 0
  while #found < 2 * size do
    if readCount >= READ_AT_ONCE then isCut = 1; break end
    local first = start + #found / 2
    local last = math.min(first + math.min(size - #found / 2, 256), countShown()) - 1
    if last < first then break end
    local ids = redis.call('ZREVRANGE', order, first, last)
    for i, value in ipairs(redis.call('HMGET', logins, unpack(ids))) do
      local record = value and decode(value)
      if not record or record[3] <= now then drop(logins, order, ids[i])
      elseif not isShown(record) then redis.call('ZADD', order, place(record), ids[i])
      else take(ids[i], value, record) end
    end
    readCount = readCount + #ids
  end
  total = countShown()
end

local isWhole = count <= READ_WHOLE and 1 or 0
if isWhole == 1 then takeAll() else takePage(tonumber(offset), tonumber(limit)) end

local function keptFor(key)
  local ttl = redis.call('PTTL', key)
  return ttl == -1 and 86400000 or ttl
end

local kept = math.max(keptFor(logins), keptFor(kicked))
return { total, integer(shown), kept, isCut, isWhole, unpack(found) }
