-- An attempt of a step has failed and another will follow: take back at once what it had published, and say why.
-- ARGV[7]: attempt, ARGV[8], ARGV[9]: the rollback event's body up to and after its ids, ARGV[10]: the status' body,
-- ARGV[11]: tokens that the attempt had used.
-- Returns {ok, "rolled back" where something was} | {missing|ended|stale, status}. The same call again changes nothing; the attempt may write no more.
local refused = refusal(ARGV[7])
local current, failed_at, first, latest = unpack(call('HMGET', RUN,
  'attempt:' .. STEP, 'failedAt:' .. STEP, 'first:' .. STEP, 'latest:' .. STEP))
if refused and refused[1] == 'stale' and current == failed_at and failed_at == ARGV[7] then return { 'ok', '' } end
if refused then return refused end

local bodies = { ARGV[10] }
if first then
  local ids = '"attempt":' .. ARGV[7] .. ',"fromId":' .. first .. ',"toId":' .. latest
  table.insert(bodies, 1, ARGV[8] .. ids .. ARGV[9] .. ',"attempt":' .. ARGV[7] + 1 .. '}')
end
publish(bodies, 1, #bodies)
save('failedAt:' .. STEP, ARGV[7])
journal('failed', ARGV[7], clock_ms(), first and first .. '-' .. latest or nil)
call('HINCRBY', RUN, 'failed:' .. STEP, 1)
call('HINCRBY', RUN, 'spent:' .. STEP, ARGV[11])
call('HDEL', RUN, 'first:' .. STEP, 'latest:' .. STEP, 'produced:' .. STEP)
return { 'ok', first and 'rolled back' or '' }
