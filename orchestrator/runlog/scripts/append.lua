-- Append a batch of a step's events. ARGV[7]: attempt, ARGV[8]: the first one's number, ARGV[9…]: bodies.
-- Without bodies it only asks whether the attempt is still wanted, and says that it still runs.
-- Returns {ok|missing|ended|stale|full, status}.
local state, refused = look(ARGV[7])
if refused then return refused end
if #ARGV >= 9 and is_full() then return { 'full', '' } end
publish_once(state, tonumber(ARGV[8]), { unpack(ARGV, 9) })
local asked_often = #ARGV < 9 and clock_ms() - tonumber(state[5] or '0') < LEASE / 4
if not asked_often then beat(LEASE) end
return { 'ok', '' }
