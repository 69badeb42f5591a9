-- Replaces each session that is stamped with a login by its tombstone (see stamp.ts: the length of the generation counts UTF-16
-- units, and may have decimals, which are a time). KEYS: sessions. Arguments: login user ttl tombstone for each. → for each 1 if replaced, else 0.

-- In bytes. Reading longer sessions would block Redis for too long.
local MAX_SESSION = 4096

local function units(text)
  if not string.find(text, '[\128-\255]') then return #text end
  local _, characters = string.gsub(text, '[^\128-\191]', '')
  local _, pairs = string.gsub(text, '[\240-\247]', '')
  return characters + pairs
end

local function isOf(stamp, login, user)
  local id, length, rest = string.match(stamp, '^([^ ]+) (%d+)%.?%d* (.*)$')
  if id ~= login or string.sub(rest, -#user) ~= user then return false end
  return units(string.sub(rest, 1, -#user - 1)) == tonumber(length)
end

local function replace(key, login, user, ttl, tombstone)
  local value = redis.pcall('GETRANGE', key, 0, MAX_SESSION)
  if type(value) ~= 'string' or #value > MAX_SESSION then return 0 end
  local isRead, session = pcall(cjson.decode, value)
  if not isRead or type(session) ~= 'table' then return 0 end
  local stamp = session.expressLogout
  if type(stamp) ~= 'string' or not isOf(stamp, login, user) then return 0 end
  if tonumber(ttl) > 0 then redis.call('SET', key, tombstone, 'EX', ttl) else redis.call('DEL', key) end
  return 1
end

local done = {}
for i, key in ipairs(KEYS) do done[i] = replace(key, unpack(ARGV, 4 * i - 3, 4 * i)) end
return done
