-- Make a run of what was staged for it under KEYS[8…13] (log, steps, files, inbox, journal, undo). ARGV[7]: the body of the
-- status that follows, ARGV[8]: the last id staged, ARGV[9]: bytes staged, ARGV[10…]: fields and values of the run hash.
-- Returns {ok|exists|lost, ''}: in the last case what was staged has expired.
if call('EXISTS', RUN) == 1 then return { 'exists', '' } end
if call('EXISTS', KEYS[8]) == 0 then return { 'lost', '' } end
for i = 2, 7 do
  if call('EXISTS', KEYS[i + 6]) == 1 then call('RENAME', KEYS[i + 6], KEYS[i]) end
end
look()
last, bytes = ARGV[8], ARGV[9]
publish(ARGV, 7, 7)
beat(PAUSE, 'status', 'queued', unpack(ARGV, 10))
return { 'ok', '' }
