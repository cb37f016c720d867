-- A step failed and is tried again later: until then silence is in order. ARGV[7]: the execution, ARGV[8]: ms.
-- Returns {ok|moved|missing|ended, status}.
local claimed = look('claimed')
if not status then return { 'missing', '' } end
if ENDED[status] then return { 'ended', status } end
if (claimed or '') ~= ARGV[7] then return { 'moved', '' } end
beat(ARGV[8] + PAUSE)
return { 'ok', '' }
