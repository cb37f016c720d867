-- The user says something to a run: into its log and its inbox, both or none. ARGV[7]: the event's body, ARGV[8]: the words,
-- ARGV[9]: the call's key (the same call again changes nothing), ARGV[10]: the message's id, ARGV[11]: a digest of the
-- words, ARGV[12]: how many messages a run takes at the most.
-- Returns {ok, id} | {reused|closed|full|missing|ended, status}.
local state = redis.call('HMGET', RUN, 'status', 'last')
if not state[1] then return { 'missing', '' } end
local before = redis.call('HGET', INBOX, 'key:' .. ARGV[9])
if before then
  local id, digest = string.match(before, '^(%S+) (%S+)$')
  return digest == ARGV[11] and { 'ok', id } or { 'reused', '' }
end
if ENDED[state[1]] then return { 'ended', state[1] } end
if redis.call('HEXISTS', INBOX, 'closed') == 1 then return { 'closed', state[1] } end
local count = tonumber(redis.call('HGET', INBOX, 'count') or '0')
if count >= tonumber(ARGV[12]) then return { 'full', '' } end
count = count + 1
redis.call('HSET', INBOX, 'count', count, 'message:' .. count, ARGV[8], 'key:' .. ARGV[9], ARGV[10] .. ' ' .. ARGV[11])
redis.call('PEXPIRE', INBOX, redis.call('PTTL', RUN))
publish(state[2], { ARGV[7] })
return { 'ok', ARGV[10] }
