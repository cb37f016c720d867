-- The user allows or forbids what a run has asked for, once. STEP is the approval's id, ARGV[7]: the answer, ARGV[8]: the
-- event's body. The run goes on when it is given to an engine; its beat stays, by which the time that it waited is known.
-- Returns {ok, ''} | {answered, the first answer} | {unknown|missing|ended, status}.
local waits_for = look('waitsFor')
if not status then return { 'missing', '' } end
if ENDED[status] then return { 'ended', status } end
if call('HEXISTS', INBOX, 'asked:' .. STEP) == 0 then return { 'unknown', '' } end
local before = call('HGET', INBOX, 'answer:' .. STEP)
if before then return { 'answered', before } end
call('HSET', INBOX, 'answer:' .. STEP, ARGV[7])
publish(ARGV, 8, 8)
save()
if waits_for == STEP then call('HDEL', RUN, 'waitsFor') end
return { 'ok', '' }
