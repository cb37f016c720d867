-- Ask the user whether a call is allowed, once, and let the run wait for the answer: nobody has it meanwhile, and all that
-- it has is kept. STEP is the approval's id. ARGV[7]: attempt, ARGV[8]: how long to keep it in ms, ARGV[9…]: the bodies of
-- the call and the request.
-- Returns {answered, answer} | {waits, ''} | {missing|ended|stale, status}.
if call('HGET', RUN, 'waitsFor') == STEP then return { 'waits', '' } end
local refused = refusal(ARGV[7])
if refused then return refused end
local answer = call('HGET', INBOX, 'answer:' .. STEP)
if answer then return { 'answered', answer } end
-- Not among the attempt's own events: no rollback may take back what somebody is about to answer.
call('HSET', INBOX, 'asked:' .. STEP, 1)
publish(ARGV, 9, #ARGV)
journal('waiting', ARGV[7], clock_ms())
call('HDEL', RUN, 'claimed', 'leaseUntil', 'step', 'attempt:' .. STEP, 'engineAttempt:' .. STEP, 'nonce:' .. STEP,
  'first:' .. STEP, 'latest:' .. STEP, 'produced:' .. STEP,
  'failed:' .. STEP, 'failedAt:' .. STEP, 'interrupted:' .. STEP, 'spent:' .. STEP)
local now = beat(PAUSE, 'status', 'waiting', 'engine', 'waiting', 'waitsFor', STEP)
call('HSET', RUN, 'kept', now)
for _, key in ipairs(KEYS) do call('PEXPIRE', key, ARGV[8]) end
return { 'waits', '' }
