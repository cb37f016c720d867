-- Tell viewers about a run that stands still, which is no beat of it. ARGV[7]: its last beat as it was judged,
-- ARGV[8]: the status' body, ARGV[9]: what is remembered of it.
-- Returns {ok|alive|missing|ended, status}.
local state = redis.call('HMGET', RUN, 'status', 'beat', 'last')
if not state[1] then return { 'missing', '' } end
if ENDED[state[1]] then return { 'ended', state[1] } end
if state[2] ~= ARGV[7] then return { 'alive', '' } end
publish(state[3], { ARGV[8] }, 'noted', ARGV[9])
return { 'ok', '' }
