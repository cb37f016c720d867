-- Shared by all scripts of the run log; each script is this text followed by its own.
-- KEYS: run hash, log stream, steps hash, files hash, inbox hash, journal hash, undo hash.
-- ARGV[1..6]: channel, longest log, ttl in ms, a running step's lease in ms, longest pause between steps in ms, step.
--
-- What costs is each call of Redis, and of it each argument. So a script begins with `look` (or `refusal`), which reads all
-- that it has to know of the run hash at once, and ends with `beat` or `save`, which write all that it has to note there.
local RUN, LOG, STEPS, FILES, INBOX, JOURNAL, UNDO = unpack(KEYS, 1, 7)
local CHANNEL, MAXLEN, TTL, LEASE, PAUSE, STEP = unpack(ARGV, 1, 6)
local ENDED = { complete = true, failed = true, refused = true, cancelled = true, timeout = true, lost = true }
local KEPT_EVERY = 8 -- the keys' time to live is renewed when an eighth of it has passed
local call, format = redis.call, string.format

-- What `look` has found in the run hash: false, or strings (with which Lua calculates, but which it compares as text).
-- `last` and `bytes` go on with what is published; `save` writes them.
local status, last, bytes, most_bytes, last_beat, kept

-- Also returns the values of these further fields.
local function look(...)
  local found = call('HMGET', RUN, 'status', 'last', 'bytes', 'mostBytes', 'beat', 'kept', ...)
  status, last, bytes, most_bytes, last_beat, kept = unpack(found, 1, 6)
  last, bytes = last or 0, bytes or 0
  return unpack(found, 7)
end

-- Further fields and values may follow, here and in `beat`.
local function save(...)
  call('HSET', RUN, 'last', last, 'bytes', bytes, ...)
end

local function clock_ms()
  local now = call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function keep_alive(now)
  for _, key in ipairs(KEYS) do call('PEXPIRE', key, TTL) end
  call('HSET', RUN, 'kept', now)
end

-- The run's beat: somebody has just moved it, and the next beat may take `silence` ms. All that the run has is kept
-- alive together, but not at every beat. Returns when that was, in ms.
local function beat(silence, ...)
  local now = clock_ms()
  save('beat', now, 'silence', silence, ...)
  if now - (kept or 0) > TTL / KEPT_EVERY then keep_alive(now) end
  return now
end

-- What the run has stored is counted; more than it may store is refused from the next write on.
local function is_full()
  return most_bytes and tonumber(bytes) > tonumber(most_bytes)
end

-- Add to what is known of the step's attempts: `what` happened to an attempt at a time in ms, and more about it.
local function journal(what, attempt, at, ...)
  local entry = table.concat({ what, attempt, at, ... }, ' ')
  local before = call('HGET', JOURNAL, STEP)
  call('HSET', JOURNAL, STEP, before and before .. ',' .. entry or entry)
  if not before and call('PTTL', JOURNAL) < 0 then call('PEXPIRE', JOURNAL, call('PTTL', RUN)) end
end

-- Number the bodies from `first` to `final` of a list (a body is an event's JSON without its id), store and publish them.
-- Returns the last event. The log is cut to its length once for all of them.
local function publish(bodies, first, final)
  local event
  for i = first, final do
    last = format('%d', last + 1)
    event = '{"id":' .. last .. ',' .. bodies[i]
    if i < final then
      call('XADD', LOG, last, 'e', event) -- which makes of it the id <last>-0
    else
      call('XADD', LOG, 'MAXLEN', '~', MAXLEN, last, 'e', event)
    end
    call('PUBLISH', CHANNEL, event)
    bytes = bytes + #event
  end
  return event
end

-- Why this attempt of the step may not write, or nil, and the number of its last stored event or false; after a look.
local function refusal(attempt)
  local current, failed_at, produced = look('attempt:' .. STEP, 'failedAt:' .. STEP, 'produced:' .. STEP)
  if not status then return { 'missing', '' } end
  if ENDED[status] then return { 'ended', status } end
  if current ~= attempt or failed_at == attempt then return { 'stale', '' } end
  return nil, produced
end

-- Publish those of a step's events that are not stored yet: the producer numbers them 1, 2, 3 … within its attempt (the
-- list's `first` has `number`), so that a call repeated after a lost reply changes nothing. Returns what to note of it.
local function publish_once(produced, number, bodies, first, final)
  local final_number = number + final - first
  first = math.max(first, first + (produced or 0) + 1 - number)
  if first > final then return end
  local id = last + 1
  publish(bodies, first, final)
  local latest, count = 'latest:' .. STEP, format('%d', final_number)
  if produced then return latest, last, 'produced:' .. STEP, count end
  return latest, last, 'produced:' .. STEP, count, 'first:' .. STEP, id
end
