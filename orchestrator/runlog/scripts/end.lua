-- End the run with its one terminal event. ARGV[5]: final status, ARGV[6]: the event's body without its closing brace,
-- ARGV[7]: "receipt" to add what had been done.
-- Returns {ok, id} | {ended, status} | {missing, ''}.
local status = redis.call('HGET', RUN, 'status')
if not status then return { 'missing', '' } end
if ENDED[status] then return { 'ended', status } end

local function list(values)
  table.sort(values)
  return #values == 0 and '[]' or cjson.encode(values)
end
local body = ARGV[6]
if ARGV[7] == 'receipt' then
  local step = redis.call('HGET', RUN, 'step')
  local written = {}
  for _, path in ipairs(redis.call('HKEYS', FILES)) do
    if path ~= '/' then written[#written + 1] = path end -- '/': what is no file's content
  end
  body = body .. ',"receipt":{"stepsDone":' .. list(redis.call('HKEYS', STEPS))
    .. ',"stepInterrupted":' .. (step and cjson.encode(step) or 'null')
    .. ',"filesWritten":' .. list(written) .. '}'
end
local id = publish(redis.call('HGET', RUN, 'last'), { body .. '}' })
redis.call('HSET', RUN, 'status', ARGV[5], 'endedAt', clock_ms())
keep_alive()
return { 'ok', tostring(id) }
