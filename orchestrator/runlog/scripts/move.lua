-- Take a run whose beat has stopped from its engine and give it to one, the same or another: what the execution that had
-- it asks for from now on is refused. ARGV[7]: its last beat as it was judged, ARGV[8]: the engine, ARGV[9]: the body of
-- the status that tells viewers.
-- Returns {ok, generation} | {missing|ended|alive, status}.
local state = redis.call('HMGET', RUN, 'status', 'beat', 'last', 'engine')
if not state[1] then return { 'missing', '' } end
if ENDED[state[1]] then return { 'ended', state[1] } end
if state[2] ~= ARGV[7] then return { 'alive', '' } end
redis.call('HDEL', RUN, 'claimed', 'leaseUntil')
-- The other engine counts its attempts anew.
for _, field in ipairs(redis.call('HKEYS', RUN)) do
  if string.find(field, '^engineAttempt:') then redis.call('HDEL', RUN, field) end
end
publish(state[3], { ARGV[9] }, 'engine', ARGV[8])
local now = beat(PAUSE)
if state[4] == 'waiting' then -- for its user, which counts neither as its time nor as a loss
  redis.call('HINCRBY', RUN, 'waited', now - state[2])
  redis.call('HSET', RUN, 'status', 'queued')
elseif state[4] ~= 'held' then
  redis.call('HINCRBY', RUN, 'moves', 1)
end
-- A move within the same millisecond as the beat it judged must not look like that beat.
if tostring(now) == state[2] then redis.call('HSET', RUN, 'beat', now + 1) end
if state[4] == 'held' then redis.call('HSET', RUN, 'releasedAt', now) end -- its time begins when its turn has come
return { 'ok', tostring(redis.call('HINCRBY', RUN, 'generation', 1)) }
