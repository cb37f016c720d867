-- A step failed and is tried again later: until then silence is in order. ARGV[7]: the execution, ARGV[8]: ms.
-- Returns {ok|moved|missing|ended, status}.
local state = redis.call('HMGET', RUN, 'status', 'claimed')
if not state[1] then return { 'missing', '' } end
if ENDED[state[1]] then return { 'ended', state[1] } end
if (state[2] or '') ~= ARGV[7] then return { 'moved', '' } end
beat(ARGV[8] + PAUSE)
return { 'ok', '' }
