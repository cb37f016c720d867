-- End the run with its one terminal event. ARGV[7]: final status, ARGV[8]: the event's body without its closing brace,
-- ARGV[9]: "receipt" to add what had been done, ARGV[10]: the execution that must have the run, or "", ARGV[11]: the end in
-- brief, for lists.
-- Returns {ok, engine, project, caller, bytes stored} | {ended|moved|missing, engine, project}.
local engine, claimed, project, caller, step = look('engine', 'claimed', 'projectId', 'caller', 'step')
engine, project = engine or '', project or ''
if not status then return { 'missing', engine, project } end
if ENDED[status] then return { 'ended', engine, project } end
if ARGV[10] ~= '' and ARGV[10] ~= claimed then return { 'moved', engine, project } end

local function list(values)
  table.sort(values)
  return #values == 0 and '[]' or cjson.encode(values)
end
local body = ARGV[8]
if ARGV[9] == 'receipt' then
  local written = {}
  for _, path in ipairs(call('HKEYS', FILES)) do
    if path ~= '/' then written[#written + 1] = path end -- '/': what is no file's content
  end
  body = body .. ',"receipt":{"stepsDone":' .. list(call('HKEYS', STEPS))
    .. ',"stepInterrupted":' .. (step and cjson.encode(step) or 'null')
    .. ',"filesWritten":' .. list(written) .. '}'
end
publish({ body .. '}' }, 1, 1)
local now = clock_ms()
save('status', ARGV[7], 'endedAt', now, 'end', ARGV[11])
keep_alive(now)
return { 'ok', engine, project, caller or '', tostring(bytes) }
