-- Drop what no run and not the project needs any more. ARGV[1]: the version that this was found out at, ARGV[2…]: fields.
-- Returns {ok|moved}: in the second case it has to be found out again.
if call('HGET', FILES, 'version') ~= ARGV[1] then return { 'moved' } end
for i = 2, #ARGV do
  local field = ARGV[i]
  if string.find(field, '^state:') or string.find(field, '^content:') then
    call('HINCRBY', FILES, 'bytes', -call('HSTRLEN', FILES, field))
  end
  call('HDEL', FILES, field)
end
return { 'ok' }
