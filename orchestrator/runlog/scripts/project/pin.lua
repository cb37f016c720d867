-- A run begins: from now on the state that it begins with is kept for it. ARGV[3]: ttl in s, ARGV[4]: the run that has begun
-- with the same, or "" for the project as it is now. ARGV[5], where the run is not stored yet: who makes the same run within so
-- many ms (a POST that is repeated at once) takes over when the first one says that it was created.
-- Returns {base, history, created}, the same again for the same run; {} where that other run's beginning is not kept any more.
if ARGV[5] then
  local first = string.match(call('HGET', FILES, 'run:' .. RUN) or '', '^%d+')
  if first and tonumber(CREATED) - tonumber(first) < tonumber(ARGV[5]) then CREATED = first end
end
local pinned = pin()
if not pinned then
  local known = call('HGET', FILES, ARGV[4] == '' and 'head' or 'run:' .. ARGV[4])
  if not known and ARGV[4] ~= '' then return {} end
  local base = known and string.match(known, ARGV[4] == '' and '^%S+' or '^%d+ (%S+)')
  pinned = { base = base or '-' }
  set_pin(pinned.base, '-')
end
call('EXPIRE', FILES, ARGV[3])
return { pinned.base, call('HGET', FILES, 'history') or '', CREATED }
