-- Append a batch of a step's events. ARGV[5]: attempt, ARGV[6]: the first one's number, ARGV[7…]: bodies.
-- Returns {ok|missing|ended|stale, status}.
local state, refused = look(ARGV[5])
if refused then return refused end
publish_once(state, tonumber(ARGV[6]), { unpack(ARGV, 7) })
return { 'ok', '' }
