-- Take a run whose beat has stopped from its engine and give it to one, the same or another: what the execution that had
-- it asks for from now on is refused. ARGV[7]: its last beat as it was judged, ARGV[8]: the engine, ARGV[9]: the body of
-- the status that tells viewers.
-- Returns {ok, generation} | {missing|ended|alive, status}.
local engine = look('engine')
if not status then return { 'missing', '' } end
if ENDED[status] then return { 'ended', status } end
if last_beat ~= ARGV[7] then return { 'alive', '' } end
call('HDEL', RUN, 'claimed', 'leaseUntil', 'noted')
-- The other engine counts its attempts anew.
for _, field in ipairs(call('HKEYS', RUN)) do
  if string.find(field, '^engineAttempt:') then call('HDEL', RUN, field) end
end
publish(ARGV, 9, 9)
local now = beat(PAUSE, 'engine', ARGV[8])
if engine == 'waiting' then -- for its user, which counts neither as its time nor as a loss
  call('HINCRBY', RUN, 'waited', now - last_beat)
  call('HSET', RUN, 'status', 'queued')
elseif engine ~= 'held' then
  call('HINCRBY', RUN, 'moves', 1)
end
-- A move within the same millisecond as the beat it judged must not look like that beat.
if format('%d', now) == last_beat then call('HSET', RUN, 'beat', now + 1) end
if engine == 'held' then call('HSET', RUN, 'releasedAt', now) end -- its time begins when its turn has come
return { 'ok', tostring(call('HINCRBY', RUN, 'generation', 1)) }
