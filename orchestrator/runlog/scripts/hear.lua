-- What the user has said to a run behind the first messages. ARGV[7]: how many were heard before, ARGV[8]: "last" to take
-- no more messages from now on, "leave" to take no more if all were heard, or "".
-- Returns {ok, "", message, message, …} | {missing|ended, status}.
local status = call('HGET', RUN, 'status')
if not status then return { 'missing', '' } end
if ENDED[status] then return { 'ended', status } end
local heard, count = tonumber(ARGV[7]), tonumber(call('HGET', INBOX, 'count') or '0')
local said = { 'ok', '' }
for number = heard + 1, count do said[#said + 1] = call('HGET', INBOX, 'message:' .. number) end
if ARGV[8] == 'last' or (ARGV[8] == 'leave' and count <= heard) then
  call('HSET', INBOX, 'closed', 1)
  call('PEXPIRE', INBOX, call('PTTL', RUN))
end
return said
