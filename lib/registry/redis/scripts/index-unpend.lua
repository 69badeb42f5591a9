-- Removes a pending row: nothing has been adopted.
--- @include "rows"

local pending = unpack(ARGV)

return remove(pending)
