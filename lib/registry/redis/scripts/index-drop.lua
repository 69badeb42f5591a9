-- Drops each row that was not written since it was read. Arguments: user score user score …; "": there was no row. → 1 or 0 for each.
--- @include "rows"

local dropped = {}
for i = 1, #ARGV, 2 do
  local user, score = ARGV[i], ARGV[i + 1]
  dropped[#dropped + 1] = isSame(user, score) and remove(user) or 0
end
return dropped
