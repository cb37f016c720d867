-- Contents of a staged state. ARGV[3…]: hash, content …. Returns {ok} | {gone|newer}.
local refused = refusal(pin())
if refused then return { refused } end
for i = 3, #ARGV, 2 do store('content:' .. ARGV[i], ARGV[i + 1]) end
return { 'ok' }
