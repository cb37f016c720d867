-- Make a run, with its first event. ARGV[7]: the event's body, ARGV[8…]: fields and values of the run hash.
-- Does nothing where the run exists (a repeated POST, a lost reply).
-- Returns {ok, the event} | {exists, ''}.
if call('EXISTS', RUN) == 1 then return { 'exists', '' } end
look()
local event = publish(ARGV, 7, 7)
beat(PAUSE, 'status', 'queued', unpack(ARGV, 8))
return { 'ok', event }
