-- Make a run, with its first event. ARGV[7]: the event's body, ARGV[8…]: fields and values of the run hash.
-- Does nothing where the run exists (a repeated POST, a lost reply).
-- Returns {ok, the event} | {exists, ''}.
if redis.call('EXISTS', RUN) == 1 then return { 'exists', '' } end
redis.call('HSET', RUN, 'status', 'queued', unpack(ARGV, 8))
local _, event = publish(0, { ARGV[7] })
beat(PAUSE)
return { 'ok', event }
