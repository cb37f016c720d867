-- A run's files as they were when ARGV[7] of its steps were done, and what leads further back.
-- Returns {ok, "from bytes" of the undo hash, how many files, path, content …, undo field, value …} | {missing|forgotten, ''}.
local done = tonumber(ARGV[7])
local state = call('HMGET', RUN, 'status', 'undoFrom')
if not state[1] then return { 'missing', '' } end
local from = tonumber(state[2] or '0')
if done > 0 and done < from then return { 'forgotten', '' } end

local files, undo, undo_size, earliest = {}, {}, 0, {}
local stored = done > 0 and call('HGETALL', FILES) or {}
for i = 1, #stored, 2 do files[stored[i]] = stored[i + 1] end
for _, field in ipairs(call('HKEYS', UNDO)) do
  local place, path = string.match(field, '^(%d+) (.*)$')
  place = tonumber(place)
  if place <= done then
    local old = call('HGET', UNDO, field)
    undo[#undo + 1], undo[#undo + 2] = field, old
    undo_size = undo_size + #path + #old
  elseif not earliest[path] or place < earliest[path] then
    earliest[path] = place
  end
end
for path, place in pairs(done > 0 and earliest or {}) do
  local old = call('HGET', UNDO, place .. ' ' .. path)
  files[path] = string.sub(old, 1, 1) == '+' and string.sub(old, 2) or nil
end

local reply, count = { 'ok', from .. ' ' .. undo_size, 0 }, 0
for path, content in pairs(files) do
  count = count + 1
  reply[#reply + 1], reply[#reply + 2] = path, content
end
reply[3] = tostring(count)
for i = 1, #undo do reply[#reply + 1] = undo[i] end
return reply
