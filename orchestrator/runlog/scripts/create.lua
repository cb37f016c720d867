-- Make a run, with its first event. ARGV[5]: the event's body, ARGV[6…]: fields and values of the run hash.
-- Does nothing where the run exists (a repeated POST, a lost reply).
if redis.call('EXISTS', RUN) == 1 then return { 'exists', '' } end
redis.call('HSET', RUN, 'status', 'queued', unpack(ARGV, 6))
publish(0, { ARGV[5] })
return { 'ok', '' }
