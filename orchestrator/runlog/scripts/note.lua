-- Tell viewers about a run that stands still, which is no beat of it. ARGV[7]: its last beat as it was judged,
-- ARGV[8]: the status' body, ARGV[9]: what is remembered of it.
-- Returns {ok|alive|missing|ended, status}.
look()
if not status then return { 'missing', '' } end
if ENDED[status] then return { 'ended', status } end
if last_beat ~= ARGV[7] then return { 'alive', '' } end
publish(ARGV, 8, 8)
save('noted', ARGV[9])
return { 'ok', '' }
