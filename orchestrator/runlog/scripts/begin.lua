-- Start an attempt of a step: memo, fence, rollback.
-- ARGV[7]: the execution that asks, as it claimed the run ("" where nobody has), ARGV[8]: the engine's own attempt
-- number, ARGV[9]: this call's nonce (the same call again changes nothing), ARGV[10], ARGV[11]: the rollback event's
-- body up to and after its ids.
-- Returns {go, "attempt failed interrupted spent rolledBack"}, the last four about the attempts before | {done, result} | {stale|moved|missing|ended, status}.
local run = redis.call('HMGET', RUN, 'status', 'claimed', 'beat')
if not run[1] then return { 'missing', '' } end
if (run[2] or '') ~= ARGV[7] then return { 'moved', run[2] or '' } end
local result = redis.call('HGET', STEPS, STEP)
if result then return { 'done', result } end
if ENDED[run[1]] then return { 'ended', run[1] } end

local rolled_back = '0'
local function go(attempt)
  local before = redis.call('HMGET', RUN, 'failed:' .. STEP, 'interrupted:' .. STEP, 'spent:' .. STEP)
  for i = 1, 3 do before[i] = before[i] or '0' end
  return { 'go', attempt .. ' ' .. table.concat(before, ' ') .. ' ' .. rolled_back }
end
local state = redis.call('HMGET', RUN, 'attempt:' .. STEP, 'engineAttempt:' .. STEP, 'nonce:' .. STEP,
  'first:' .. STEP, 'latest:' .. STEP, 'failedAt:' .. STEP)
if state[3] == ARGV[9] then return go(state[1]) end
local engine_attempt = tonumber(ARGV[8])
if state[2] and engine_attempt < tonumber(state[2]) then return { 'stale', '' } end

local attempt = engine_attempt
if state[1] then
  attempt = math.max(attempt, tonumber(state[1]) + 1)
  if state[6] ~= state[1] then
    redis.call('HINCRBY', RUN, 'interrupted:' .. STEP, 1)
    journal('interrupted', state[1], run[3], state[4] and state[4] .. '-' .. state[5] or nil)
  end
end
if state[4] then
  local ids = '"attempt":' .. state[1] .. ',"fromId":' .. state[4] .. ',"toId":' .. state[5]
  local body = ARGV[10] .. ids .. ARGV[11] .. ',"attempt":' .. attempt .. '}'
  publish(redis.call('HGET', RUN, 'last'), { body })
  rolled_back = '1'
end
redis.call('HDEL', RUN, 'first:' .. STEP, 'latest:' .. STEP, 'produced:' .. STEP)
redis.call('HSET', RUN, 'status', 'running', 'step', STEP,
  'attempt:' .. STEP, attempt, 'engineAttempt:' .. STEP, engine_attempt, 'nonce:' .. STEP, ARGV[9])
local now = beat(LEASE)
redis.call('HSETNX', RUN, 'startedAt', now)
journal('began', attempt, now)
return go(attempt)
