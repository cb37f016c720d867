-- End the run with its one terminal event. ARGV[7]: final status, ARGV[8]: the event's body without its closing brace,
-- ARGV[9]: "receipt" to add what had been done, ARGV[10]: the execution that must have the run, or "", ARGV[11]: the end in
-- brief, for lists.
-- Returns {ok, engine, project, caller, bytes stored} | {ended|moved|missing, engine, project}.
local state = redis.call('HMGET', RUN, 'status', 'engine', 'claimed', 'projectId')
local engine, project = state[2] or '', state[4] or ''
if not state[1] then return { 'missing', engine, project } end
if ENDED[state[1]] then return { 'ended', engine, project } end
if ARGV[10] ~= '' and ARGV[10] ~= state[3] then return { 'moved', engine, project } end

local function list(values)
  table.sort(values)
  return #values == 0 and '[]' or cjson.encode(values)
end
local body = ARGV[8]
if ARGV[9] == 'receipt' then
  local step = redis.call('HGET', RUN, 'step')
  local written = {}
  for _, path in ipairs(redis.call('HKEYS', FILES)) do
    if path ~= '/' then written[#written + 1] = path end -- '/': what is no file's content
  end
  body = body .. ',"receipt":{"stepsDone":' .. list(redis.call('HKEYS', STEPS))
    .. ',"stepInterrupted":' .. (step and cjson.encode(step) or 'null')
    .. ',"filesWritten":' .. list(written) .. '}'
end
publish(redis.call('HGET', RUN, 'last'), { body .. '}' })
local now = clock_ms()
redis.call('HSET', RUN, 'status', ARGV[7], 'endedAt', now, 'end', ARGV[11])
keep_alive(now)
return { 'ok', engine, project, redis.call('HGET', RUN, 'caller') or '', redis.call('HGET', RUN, 'bytes') }
