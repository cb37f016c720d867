-- Make a staged state the project's, and note what was done. ARGV[3]: the state's name, ARGV[4]: the state below it or "-",
-- ARGV[5]: what was done (JSON) or "", ARGV[6]: how many of these are kept, ARGV[7]: ttl in s, ARGV[8…]: hashes.
-- Returns {ok|gone|newer|missing}. May be repeated.
local pinned = pin()
local refused = refusal(pinned)
if refused then return { refused } end
for _, name in ipairs({ ARGV[3], ARGV[4] }) do
  if name ~= '-' and call('HEXISTS', FILES, 'state:' .. name) == 0 then return { 'missing' } end
end
for i = 8, #ARGV do
  if call('HEXISTS', FILES, 'content:' .. ARGV[i]) == 0 then return { 'missing' } end
end
call('HSET', FILES, 'head', ARGV[3] .. ' ' .. CREATED .. ' ' .. RUN)
if ARGV[5] ~= '' then
  local history = {}
  for _, done in ipairs(cjson.decode(call('HGET', FILES, 'history') or '[]')) do
    if done.run ~= RUN then history[#history + 1] = done end
  end
  history[#history + 1] = { run = RUN, done = ARGV[5] }
  while #history > tonumber(ARGV[6]) do table.remove(history, 1) end
  call('HSET', FILES, 'history', cjson.encode(history))
end
set_pin(pinned.base, '-')
call('EXPIRE', FILES, ARGV[7])
return { 'ok' }
