-- Remove all of a run that has ended. What is left under its name says that there was one: an engine's late call, or the
-- same request again, must not start it anew.
-- Returns {ok|unfinished|missing, status, caller, project}.
local state = call('HMGET', RUN, 'status', 'caller', 'projectId')
if not state[1] then return { 'missing', '', '', '' } end
if not ENDED[state[1]] then return { 'unfinished', state[1], '', '' } end
call('UNLINK', unpack(KEYS))
call('HSET', RUN, 'removed', clock_ms())
call('PEXPIRE', RUN, TTL)
return { 'ok', state[1], state[2] or '', state[3] or '' }
