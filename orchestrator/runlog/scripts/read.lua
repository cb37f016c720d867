-- Read stored events. ARGV[5]: the id after which, ARGV[6]: how many at the most.
-- Returns {status, last id, first id read, event, event, …}; nothing has to be taken apart on the way.
local state = redis.call('HMGET', RUN, 'status', 'last')
if not state[1] then return { 'missing' } end
local page = { state[1], state[2], state[2] + 1 }
local entries = redis.call('XRANGE', LOG, '(' .. ARGV[5] .. '-0', '+', 'COUNT', ARGV[6])
if #entries > 0 then page[3] = tonumber(string.match(entries[1][1], '^%d+')) end
for i, entry in ipairs(entries) do page[i + 3] = entry[2][2] end
return page
