-- Start an attempt of a step: memo, fence, rollback.
-- ARGV[7]: the execution that asks, as it claimed the run ("" where nobody has), ARGV[8]: the engine's own attempt
-- number, ARGV[9]: this call's nonce (the same call again changes nothing), ARGV[10], ARGV[11]: the rollback event's
-- body up to and after its ids.
-- Returns {go, "attempt failed interrupted spent rolledBack"}, the last four about the attempts before | {done, result} | {stale|moved|missing|ended, status}.
local claimed, started, before, engine_before, nonce, first, latest, failed_at, failed, interrupted, spent = look(
  'claimed', 'startedAt', 'attempt:' .. STEP, 'engineAttempt:' .. STEP, 'nonce:' .. STEP, 'first:' .. STEP,
  'latest:' .. STEP, 'failedAt:' .. STEP, 'failed:' .. STEP, 'interrupted:' .. STEP, 'spent:' .. STEP)
if not status then return { 'missing', '' } end
if (claimed or '') ~= ARGV[7] then return { 'moved', claimed or '' } end
local result = call('HGET', STEPS, STEP)
if result then return { 'done', result } end
if ENDED[status] then return { 'ended', status } end

local rolled_back = '0'
local function go(attempt)
  return { 'go', table.concat({ attempt, failed or '0', interrupted or '0', spent or '0', rolled_back }, ' ') }
end
if nonce == ARGV[9] then return go(before) end
local engine_attempt = tonumber(ARGV[8])
if engine_before and engine_attempt < tonumber(engine_before) then return { 'stale', '' } end

local attempt = engine_attempt
if before then
  attempt = math.max(attempt, before + 1)
  if failed_at ~= before then
    interrupted = (interrupted or 0) + 1
    call('HSET', RUN, 'interrupted:' .. STEP, interrupted)
    journal('interrupted', before, last_beat, first and first .. '-' .. latest or nil)
  end
end
if first then
  local ids = '"attempt":' .. before .. ',"fromId":' .. first .. ',"toId":' .. latest
  publish({ ARGV[10] .. ids .. ARGV[11] .. ',"attempt":' .. attempt .. '}' }, 1, 1)
  rolled_back = '1'
  call('HDEL', RUN, 'first:' .. STEP, 'latest:' .. STEP, 'produced:' .. STEP)
end
local now = beat(LEASE, 'status', 'running', 'step', STEP,
  'attempt:' .. STEP, attempt, 'engineAttempt:' .. STEP, engine_attempt, 'nonce:' .. STEP, ARGV[9])
if not started then call('HSET', RUN, 'startedAt', now) end
journal('began', attempt, now)
return go(attempt)
