-- A run is about to save a state: keep it, and from now on the contents that it names. ARGV[3]: its name, ARGV[4]: itself,
-- ARGV[5…]: hashes. Returns {ok, the hashes whose contents are not there …} | {gone|newer}.
local pinned = pin()
local refused = refusal(pinned)
if refused then return { refused } end
set_pin(pinned.base, ARGV[3])
store('state:' .. ARGV[3], ARGV[4])
local answer = { 'ok' }
for i = 5, #ARGV do
  if call('HEXISTS', FILES, 'content:' .. ARGV[i]) == 0 then answer[#answer + 1] = ARGV[i] end
end
return answer
