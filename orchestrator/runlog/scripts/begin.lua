-- Start an attempt of a step: memo, fence, rollback.
-- ARGV[5]: the engine's own attempt number, ARGV[6]: this execution's nonce (the same call again changes nothing),
-- ARGV[7], ARGV[8]: the rollback event's body up to and after its ids.
-- Returns {go, attempt} | {done, result} | {stale|missing|ended, status}.
local status = redis.call('HGET', RUN, 'status')
if not status then return { 'missing', '' } end
local result = redis.call('HGET', STEPS, STEP)
if result then return { 'done', result } end
if ENDED[status] then return { 'ended', status } end

local state = redis.call('HMGET', RUN,
  'attempt:' .. STEP, 'engineAttempt:' .. STEP, 'nonce:' .. STEP, 'first:' .. STEP, 'latest:' .. STEP)
if state[3] == ARGV[6] then return { 'go', state[1] } end
local engine_attempt = tonumber(ARGV[5])
if state[2] and engine_attempt < tonumber(state[2]) then return { 'stale', '' } end

local attempt = engine_attempt
if state[1] then attempt = math.max(attempt, tonumber(state[1]) + 1) end
if state[4] then
  local ids = '"attempt":' .. state[1] .. ',"fromId":' .. state[4] .. ',"toId":' .. state[5]
  local body = ARGV[7] .. ids .. ARGV[8] .. ',"attempt":' .. attempt .. '}'
  publish(redis.call('HGET', RUN, 'last'), { body })
end
redis.call('HDEL', RUN, 'first:' .. STEP, 'latest:' .. STEP, 'produced:' .. STEP)
redis.call('HSET', RUN, 'status', 'running', 'step', STEP,
  'attempt:' .. STEP, attempt, 'engineAttempt:' .. STEP, engine_attempt, 'nonce:' .. STEP, ARGV[6])
redis.call('HSETNX', RUN, 'startedAt', clock_ms())
return { 'go', tostring(attempt) }
