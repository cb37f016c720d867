-- The user says something to a run: into its log and its inbox, both or none. ARGV[7]: the event's body, ARGV[8]: the words,
-- ARGV[9]: the call's key (the same call again changes nothing), ARGV[10]: the message's id, ARGV[11]: a digest of the
-- words, ARGV[12]: how many messages a run takes at the most.
-- Returns {ok, id} | {reused|closed|full|missing|ended, status}.
look()
if not status then return { 'missing', '' } end
local before = call('HGET', INBOX, 'key:' .. ARGV[9])
if before then
  local id, digest = string.match(before, '^(%S+) (%S+)$')
  return digest == ARGV[11] and { 'ok', id } or { 'reused', '' }
end
if ENDED[status] then return { 'ended', status } end
if call('HEXISTS', INBOX, 'closed') == 1 then return { 'closed', status } end
local count = tonumber(call('HGET', INBOX, 'count') or '0')
if count >= tonumber(ARGV[12]) then return { 'full', '' } end
count = count + 1
call('HSET', INBOX, 'count', count, 'message:' .. count, ARGV[8], 'key:' .. ARGV[9], ARGV[10] .. ' ' .. ARGV[11])
call('PEXPIRE', INBOX, call('PTTL', RUN))
publish(ARGV, 7, 7)
save()
return { 'ok', ARGV[10] }
