-- Let one engine have the run. ARGV[5]: who asks ("inngest:<its run id>" or "direct"), ARGV[6]: its process,
-- ARGV[7]: length of the lease in ms, 0 for an engine that keeps its own.
-- Returns {ok|missing|ended|taken, holder or status}.
local state = redis.call('HMGET', RUN, 'status', 'claimed', 'owner', 'leaseUntil')
if not state[1] then return { 'missing', '' } end
if ENDED[state[1]] then return { 'ended', state[1] } end
if state[2] and state[2] ~= ARGV[5] then return { 'taken', state[2] } end
local now, lease = clock_ms(), tonumber(ARGV[7])
if lease > 0 then
  if state[3] and state[3] ~= ARGV[6] and tonumber(state[4]) > now then return { 'taken', state[3] } end
  redis.call('HSET', RUN, 'owner', ARGV[6], 'leaseUntil', now + lease)
end
redis.call('HSET', RUN, 'claimed', ARGV[5], 'engine', string.match(ARGV[5], '^%a+'))
return { 'ok', ARGV[5] }
