-- Let one execution of its engine have the run. ARGV[7]: the engine, ARGV[8]: the execution ("<engine>:<its name>"),
-- ARGV[9]: for which generation of the run (each move begins another; "": any), ARGV[10]: length of the lease in ms after which another
-- execution may have it, 0 for an engine that keeps runs by itself.
-- Returns {ok|missing|ended|taken|elsewhere, holder, engine or status}.
local state = redis.call('HMGET', RUN, 'status', 'engine', 'claimed', 'generation', 'leaseUntil')
if not state[1] then return { 'missing', '' } end
if ENDED[state[1]] then return { 'ended', state[1] } end
if state[2] ~= ARGV[7] then return { 'elsewhere', state[2] or '' } end
if ARGV[9] ~= '' and ARGV[9] ~= (state[4] or '0') then return { 'taken', state[3] or '' } end
local now, lease = clock_ms(), tonumber(ARGV[10])
local is_free = lease > 0 and tonumber(state[5] or '0') <= now
if state[3] and state[3] ~= ARGV[8] and not is_free then return { 'taken', state[3] } end
redis.call('HSET', RUN, 'claimed', ARGV[8], 'leaseUntil', now + lease)
beat(lease > 0 and LEASE or PAUSE)
return { 'ok', ARGV[8] }
