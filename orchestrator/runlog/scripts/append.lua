-- Append a batch of a step's events. ARGV[7]: attempt, ARGV[8]: the first one's number, ARGV[9…]: bodies.
-- Without bodies it only asks whether the attempt is still wanted, and says that it still runs.
-- Returns {ok|missing|ended|stale|full, status}.
local refused, produced = refusal(ARGV[7])
if refused then return refused end
if #ARGV >= 9 then
  if is_full() then return { 'full', '' } end
  beat(LEASE, publish_once(produced, ARGV[8], ARGV, 9, #ARGV))
elseif clock_ms() - (last_beat or 0) >= LEASE / 4 then -- it may ask more often
  beat(LEASE)
end
return { 'ok', '' }
