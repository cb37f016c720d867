-- The user allows or forbids what a run has asked for, once. STEP is the approval's id, ARGV[7]: the answer, ARGV[8]: the
-- event's body. The run goes on when it is given to an engine; its beat stays, by which the time that it waited is known.
-- Returns {ok, ''} | {answered, the first answer} | {unknown|missing|ended, status}.
local state = redis.call('HMGET', RUN, 'status', 'last', 'waitsFor')
if not state[1] then return { 'missing', '' } end
if ENDED[state[1]] then return { 'ended', state[1] } end
if redis.call('HEXISTS', INBOX, 'asked:' .. STEP) == 0 then return { 'unknown', '' } end
local before = redis.call('HGET', INBOX, 'answer:' .. STEP)
if before then return { 'answered', before } end
redis.call('HSET', INBOX, 'answer:' .. STEP, ARGV[7])
publish(state[2], { ARGV[8] })
if state[3] == STEP then redis.call('HDEL', RUN, 'waitsFor') end
return { 'ok', '' }
