-- Shared by all scripts of the run log; each script is this text followed by its own.
-- KEYS: run hash, log stream, steps hash, files hash, inbox hash, journal hash, undo hash.
-- ARGV[1..6]: channel, longest log, ttl in ms, a running step's lease in ms, longest pause between steps in ms, step.
local RUN, LOG, STEPS, FILES, INBOX, JOURNAL, UNDO = unpack(KEYS, 1, 7)
local CHANNEL, MAXLEN, TTL, LEASE, PAUSE, STEP = unpack(ARGV, 1, 6)
local ENDED = { complete = true, failed = true, refused = true, cancelled = true, timeout = true, lost = true }
local KEPT_EVERY = 8 -- the keys' time to live is renewed when an eighth of it has passed

local function clock_ms()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function keep_alive(now)
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, TTL) end
  redis.call('HSET', RUN, 'kept', now)
end

-- The run's beat: somebody has just moved it, and the next beat may take `silence` ms. All that the run has is kept
-- alive together, but not at every beat.
local function beat(silence)
  local now = clock_ms()
  redis.call('HSET', RUN, 'beat', now, 'silence', silence)
  local kept = tonumber(redis.call('HGET', RUN, 'kept') or '0')
  if now - kept > TTL / KEPT_EVERY then keep_alive(now) end
  return now
end

-- Add to what is known of the step's attempts: `what` happened to an attempt at a time in ms, and more about it.
local function journal(what, attempt, at, ...)
  local entry = table.concat({ what, attempt, at, ... }, ' ')
  local before = redis.call('HGET', JOURNAL, STEP)
  redis.call('HSET', JOURNAL, STEP, before and before .. ',' .. entry or entry)
  if not before then redis.call('PEXPIRE', JOURNAL, redis.call('PTTL', RUN)) end
end

-- Count what the run has stored; more than it may store is refused from the next write on.
local function count_bytes(size)
  redis.call('HINCRBY', RUN, 'bytes', size)
end

local function is_full()
  local state = redis.call('HMGET', RUN, 'bytes', 'mostBytes')
  return state[2] and tonumber(state[1] or '0') > tonumber(state[2])
end

-- Number bodies (an event's JSON without its id) from last + 1 on, store and publish them, and note the last id together
-- with more fields of the run hash; returns that id, and that event.
local function publish(last, bodies, ...)
  local call, id, size, event = redis.call, tonumber(last or '0'), 0, nil
  for i = 1, #bodies do
    id = id + 1
    event = '{"id":' .. id .. ',' .. bodies[i]
    call('XADD', LOG, 'MAXLEN', '~', MAXLEN, id .. '-0', 'e', event)
    call('PUBLISH', CHANNEL, event)
    size = size + #event
  end
  count_bytes(size)
  call('HSET', RUN, 'last', id, ...)
  return id, event
end

-- What a write has to know, and why this attempt of the step may not write, or nil.
local function look(attempt)
  local state = redis.call('HMGET', RUN,
    'status', 'attempt:' .. STEP, 'last', 'produced:' .. STEP, 'beat', 'failedAt:' .. STEP)
  if not state[1] then return state, { 'missing', '' } end
  if ENDED[state[1]] then return state, { 'ended', state[1] } end
  if state[2] ~= attempt or state[6] == attempt then return state, { 'stale', '' } end
  return state, nil
end

-- Publish those of a step's events that are not stored yet: the producer numbers them 1, 2, 3 … within its attempt, so
-- that a call repeated after a lost reply changes nothing.
local function publish_once(state, first_number, bodies)
  local last, done = tonumber(state[3] or '0'), tonumber(state[4] or '0')
  local fresh = bodies
  if done >= first_number then fresh = { unpack(bodies, done - first_number + 2) } end
  if #fresh == 0 then return end
  local produced, latest = first_number + #bodies - 1, last + #fresh
  if done == 0 then
    publish(last, fresh, 'produced:' .. STEP, produced, 'latest:' .. STEP, latest, 'first:' .. STEP, last + 1)
  else
    publish(last, fresh, 'produced:' .. STEP, produced, 'latest:' .. STEP, latest)
  end
end
