-- A run begins: from now on the state that it begins with is kept for it. ARGV[3]: ttl in s.
-- Returns {base, history}; the same again for the same run.
local pinned = pin()
if not pinned then
  local head = call('HGET', FILES, 'head')
  pinned = { base = head and string.match(head, '^%S+') or '-' }
  set_pin(pinned.base, '-')
end
call('EXPIRE', FILES, ARGV[3])
return { pinned.base, call('HGET', FILES, 'history') or '' }
