-- An attempt of a step has failed and another will follow: take back at once what it had published, and say why.
-- ARGV[7]: attempt, ARGV[8], ARGV[9]: the rollback event's body up to and after its ids, ARGV[10]: the status' body,
-- ARGV[11]: tokens that the attempt had used.
-- Returns {ok, "rolled back" where something was} | {missing|ended|stale, status}. The same call again changes nothing; the attempt may write no more.
local state, refused = look(ARGV[7])
if refused and refused[1] == 'stale' and state[2] == state[6] and state[6] == ARGV[7] then return { 'ok', '' } end
if refused then return refused end

local bodies = { ARGV[10] }
local span = redis.call('HMGET', RUN, 'first:' .. STEP, 'latest:' .. STEP)
if span[1] then
  local ids = '"attempt":' .. ARGV[7] .. ',"fromId":' .. span[1] .. ',"toId":' .. span[2]
  table.insert(bodies, 1, ARGV[8] .. ids .. ARGV[9] .. ',"attempt":' .. ARGV[7] + 1 .. '}')
end
publish(state[3], bodies, 'failedAt:' .. STEP, ARGV[7])
journal('failed', ARGV[7], clock_ms(), span[1] and span[1] .. '-' .. span[2] or nil)
redis.call('HINCRBY', RUN, 'failed:' .. STEP, 1)
redis.call('HINCRBY', RUN, 'spent:' .. STEP, ARGV[11])
redis.call('HDEL', RUN, 'first:' .. STEP, 'latest:' .. STEP, 'produced:' .. STEP)
return { 'ok', span[1] and 'rolled back' or '' }
