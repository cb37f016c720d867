-- Read stored events. ARGV[7]: the id after which, ARGV[8]: how many at the most, ARGV[9]: how many bytes at the most (one
-- event is always read, however large).
-- Returns {status, last id, first id read, caller, project, event, event, …}; nothing has to be taken apart on the way.
local state = call('HMGET', RUN, 'status', 'last', 'caller', 'projectId')
if not state[1] then return { 'missing' } end
local page = { state[1], state[2], state[2] + 1, state[3] or '', state[4] or '' }
local HEAD = #page
local cursor, count, room = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])
-- A log of large events must not be loaded only to be thrown away: what was read so far tells how many may fit.
local chunk, size = 16, 0
while count > 0 do
  local entries = call('XRANGE', LOG, '(' .. cursor .. '-0', '+', 'COUNT', math.min(chunk, count))
  if #entries == 0 then return page end
  if #page == HEAD then page[3] = tonumber(string.match(entries[1][1], '^%d+')) end
  for _, entry in ipairs(entries) do
    local event = entry[2][2]
    size = size + #event
    if size > room and #page > HEAD then return page end
    page[#page + 1] = event
  end
  count = count - #entries
  cursor = string.match(entries[#entries][1], '^%d+')
  chunk = math.max(1, math.floor((room - size) * (#page - HEAD) / size))
end
return page
