-- Shared by all scripts of the run log; each script is this text followed by its own.
-- KEYS: run hash, log stream, steps hash, files hash.   ARGV[1..4]: channel, longest log, ttl in ms, step.
local RUN, LOG, STEPS, FILES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local CHANNEL, MAXLEN, TTL, STEP = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local ENDED = { complete = true, failed = true, cancelled = true, timeout = true, lost = true }

local function clock_ms()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

local function keep_alive()
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, TTL) end
end

-- Number, store and publish bodies (an event's JSON without its id); returns the last id.
local function publish(bodies)
  local call = redis.call
  local id = tonumber(call('HGET', RUN, 'last') or '0')
  for i = 1, #bodies do
    id = id + 1
    local event = '{"id":' .. id .. ',' .. bodies[i]
    call('XADD', LOG, 'MAXLEN', '~', MAXLEN, id .. '-0', 'e', event)
    call('PUBLISH', CHANNEL, event)
  end
  call('HSET', RUN, 'last', id)
  call('PEXPIRE', RUN, TTL)
  call('PEXPIRE', LOG, TTL)
  return id
end

-- Why this attempt of the step may not write, or nil.
local function refusal(attempt)
  local state = redis.call('HMGET', RUN, 'status', 'attempt:' .. STEP)
  if not state[1] then return { 'missing', '' } end
  if ENDED[state[1]] then return { 'ended', state[1] } end
  if state[2] ~= attempt then return { 'stale', '' } end
  return nil
end

-- Publish those of a step's events that are not stored yet: the producer numbers them 1, 2, 3 … within its attempt, so
-- that a call repeated after a lost reply changes nothing.
local function publish_once(first_number, bodies)
  local done = tonumber(redis.call('HGET', RUN, 'produced:' .. STEP) or '0')
  local fresh = {}
  for i, body in ipairs(bodies) do
    if first_number + i - 1 > done then fresh[#fresh + 1] = body end
  end
  if #fresh == 0 then return end
  local last = publish(fresh)
  redis.call('HSETNX', RUN, 'first:' .. STEP, last - #fresh + 1)
  redis.call('HSET', RUN, 'produced:' .. STEP, first_number + #bodies - 1, 'latest:' .. STEP, last)
end
