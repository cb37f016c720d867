-- Store a step's result, its last events and its changed files, all or nothing.
-- ARGV[7]: attempt, ARGV[8]: result, ARGV[9]: number of the first event, ARGV[10]: how many bodies, bodies …,
-- then how many changed files, path and content …, then deleted paths ….
-- Returns {ok, ''} | {done, result} where it was stored before | {missing|ended|stale|full, status}.
local MOST_UNDO = 8388608 -- bytes; above, no state of before this step can be had any more
local result = call('HGET', STEPS, STEP)
if result then return { 'done', result } end
local refused, produced = refusal(ARGV[7])
if refused then return refused end
if is_full() then return { 'full', '' } end

local at = 11 + ARGV[10]
publish_once(produced, ARGV[9], ARGV, 11, at - 1) -- nothing to note: the attempt's fields go below
local changed = tonumber(ARGV[at])
at = at + 1
local size, place, undo_size = #ARGV[8], call('HLEN', STEPS) + 1, 0

-- What a file was before this step: "+" and its content, or "-".
local function keep_old(path)
  local old = call('HGET', FILES, path)
  old = old and '+' .. old or '-'
  call('HSET', UNDO, place .. ' ' .. path, old)
  undo_size = undo_size + #path + #old
end

for _ = 1, changed do
  keep_old(ARGV[at])
  size = size + #ARGV[at + 1] - call('HSTRLEN', FILES, ARGV[at])
  call('HSET', FILES, ARGV[at], ARGV[at + 1])
  at = at + 2
end
for i = at, #ARGV do
  keep_old(ARGV[i])
  size = size - call('HSTRLEN', FILES, ARGV[i])
  call('HDEL', FILES, ARGV[i])
end
bytes = bytes + size
if undo_size > 0 and call('HINCRBY', RUN, 'undoBytes', undo_size) > MOST_UNDO then
  call('DEL', UNDO)
  call('HSET', RUN, 'undoBytes', 0, 'undoFrom', place)
end
call('HSET', STEPS, STEP, ARGV[8])
call('HDEL', RUN, 'step', 'attempt:' .. STEP, 'engineAttempt:' .. STEP, 'nonce:' .. STEP,
  'first:' .. STEP, 'latest:' .. STEP, 'produced:' .. STEP,
  'failed:' .. STEP, 'failedAt:' .. STEP, 'interrupted:' .. STEP, 'spent:' .. STEP)
local now = beat(PAUSE, 'doneStep', STEP)
journal('done', ARGV[7], now, place, #ARGV[8])
if place == 1 or undo_size > 0 then keep_alive(now) end -- keys that are new have no time to live yet
return { 'ok', '' }
