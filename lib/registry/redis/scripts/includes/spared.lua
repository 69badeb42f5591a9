-- Functions for the logins that the user's last kick has spared.
--
-- The field `*kept` of the hash of ended logins is `id json`: the id of that kick, and for each login that it has spared the ids of the
-- kicks of everyone that have spared it, separated by spaces. It counts only if that kick is the one in the field `*`. Releases
-- before have written `*spared`: one login, spared by no kick of everyone.
--- @include "ends"

-- The same as in lib/registry/spared.ts.
local MOST_KICKS = 8

-- → the spared logins, each with the kicks of everyone.
local function sparedLogins(key)
  local last, former, value = unpack(redis.call('HMGET', key, '*', '*spared', '*kept'))
  if former then return { [former] = '' } end
  local kick, json = string.match(value or '', '^(%S+) (.*)$')
  return kick and kick == kickIdOf(last) and cjson.decode(json) or {}
end

local function isAmong(kicks, id) return string.find(' ' .. kicks .. ' ', ' ' .. id .. ' ', 1, true) ~= nil end

-- Writes a kick and what it spares. `everyone`: the id of the kick if it is one of everyone, otherwise "".
local function putKick(key, kick, everyone, spared)
  local before, kept = sparedLogins(key), {}
  for _, login in ipairs(spared) do
    local kicks, count = everyone, everyone == '' and 0 or 1
    for each in string.gmatch(before[login.id] or '', '%S+') do
      if each ~= everyone and count < MOST_KICKS then kicks, count = kicks .. ' ' .. each, count + 1 end
    end
    kept[login.id] = kicks
  end
  redis.call('HDEL', key, '*spared', '*kept')
  if #spared > 0 then redis.call('HSET', key, '*kept', kickIdOf(kick) .. ' ' .. cjson.encode(kept)) end
  redis.call('HSET', key, '*', kick)
end
