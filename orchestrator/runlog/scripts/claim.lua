-- Let one execution of its engine have the run. ARGV[7]: the engine, ARGV[8]: the execution ("<engine>:<its name>"),
-- ARGV[9]: for which generation of the run (each move begins another; "": any), ARGV[10]: length of the lease in ms after which another
-- execution may have it, 0 for an engine that keeps runs by itself.
-- Returns {ok|missing|ended|taken|elsewhere, holder, engine or status}.
local engine, holder, generation, lease_until = look('engine', 'claimed', 'generation', 'leaseUntil')
if not status then return { 'missing', '' } end
if ENDED[status] then return { 'ended', status } end
if engine ~= ARGV[7] then return { 'elsewhere', engine or '' } end
if ARGV[9] ~= '' and ARGV[9] ~= (generation or '0') then return { 'taken', holder or '' } end
local now, lease = clock_ms(), tonumber(ARGV[10])
local is_free = lease > 0 and tonumber(lease_until or '0') <= now
if holder and holder ~= ARGV[8] and not is_free then return { 'taken', holder } end
beat(lease > 0 and LEASE or PAUSE, 'claimed', ARGV[8], 'leaseUntil', now + lease)
return { 'ok', ARGV[8] }
