-- Shared by all scripts of a project's files; each script is this text followed by its own.
-- KEYS[1], a hash: head → "<state> <created> <run>" of the run that saved last, run:<run> → "<created> <base> <staged>" of each
-- run that needs a state, state:<name>, content:<hash>, history (JSON), bytes, version (grows with whatever a sweep
-- must not overlook). "-" is the state without files. ARGV[1], ARGV[2]: a run, and when it was created, in ms.
local FILES, RUN, CREATED = KEYS[1], ARGV[1], ARGV[2]
local call = redis.call

local function pin()
  local stored = call('HGET', FILES, 'run:' .. RUN)
  if not stored then return nil end
  local created, base, staged = string.match(stored, '^(%d+) (%S+) (%S+)$')
  if created ~= CREATED then return nil end -- of an earlier run with the same id
  return { base = base, staged = staged }
end

local function set_pin(base, staged)
  call('HSET', FILES, 'run:' .. RUN, CREATED .. ' ' .. base .. ' ' .. staged)
  call('HINCRBY', FILES, 'version', 1)
end

-- Why this run may not save, or nil: a newer one has, or it never began here (the project was deleted meanwhile).
local function refusal(pinned)
  if not pinned then return 'gone' end
  local head = call('HGET', FILES, 'head')
  local saved = head and string.match(head, '^%S+ (%d+)')
  if saved and tonumber(saved) > tonumber(CREATED) then return 'newer' end
  return nil
end

local function store(field, value)
  if call('HSETNX', FILES, field, value) == 1 then call('HINCRBY', FILES, 'bytes', #value) end
end
