-- A run begins: from now on the state that it begins with is kept for it. ARGV[3]: ttl in s, ARGV[4]: the run that has begun
-- with the same, or "" for the project as it is now.
-- Returns {base, history}, the same again for the same run; {} where that other run's beginning is not kept any more.
local pinned = pin()
if not pinned then
  local known = call('HGET', FILES, ARGV[4] == '' and 'head' or 'run:' .. ARGV[4])
  if not known and ARGV[4] ~= '' then return {} end
  local base = known and string.match(known, ARGV[4] == '' and '^%S+' or '^%d+ (%S+)')
  pinned = { base = base or '-' }
  set_pin(pinned.base, '-')
end
call('EXPIRE', FILES, ARGV[3])
return { pinned.base, call('HGET', FILES, 'history') or '' }
