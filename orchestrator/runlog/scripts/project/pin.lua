-- A run begins: from now on the state that it begins with is kept for it. ARGV[3]: ttl in s, ARGV[4]: the run whose
-- beginning it shares, or "" for the project as it is now.
-- Returns {base, history}; the same again for the same run.
local pinned = pin()
if not pinned then
  local source = call('HGET', FILES, ARGV[4] == '' and 'head' or 'run:' .. ARGV[4])
  if ARGV[4] ~= '' and source then source = string.match(source, '^%d+ (.*)$') end
  pinned = { base = source and string.match(source, '^%S+') or '-' }
  set_pin(pinned.base, '-')
end
call('EXPIRE', FILES, ARGV[3])
return { pinned.base, call('HGET', FILES, 'history') or '' }
