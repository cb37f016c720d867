"""Steps, exactly once; what is stored of them, and how long."""

from __future__ import annotations

from typing import Final

from tools.mutations.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "memo",
        "orchestrator/runlog/scripts/begin.lua",
        "if result then return { 'done', result } end",
        "",
        ("tests/reliability/test_memo.py",),
    ),
    Mutant(
        "what a step overwrites is kept",
        "orchestrator/runlog/scripts/commit.lua",
        "call('HSET', UNDO, place .. ' ' .. path, old)",
        "",
        ("tests/orchestrator/test_past.py",),
    ),
    Mutant(
        "only what stands is taken over",
        "orchestrator/runlog/past.py",
        '(event.get("step"), event.get("attempt")) in attempts or',
        "True or",
        ("tests/orchestrator/test_past.py",),
    ),
    Mutant(
        "a removed run's id stays taken",
        "orchestrator/runlog/scripts/remove.lua",
        "call('HSET', RUN, 'removed', clock_ms())",
        "",
        ("tests/http/test_remove.py",),
    ),
    Mutant(
        "fence",
        "orchestrator/runlog/scripts/_run.lua",
        "if current ~= attempt or failed_at == attempt then return { 'stale', '' } end",
        "",
        ("tests/reliability/test_fence.py",),
    ),
    Mutant(
        "rollback",
        "orchestrator/runlog/scripts/begin.lua",
        "publish({ ARGV[10] .. ids",
        "local nothing = ({ ARGV[10] .. ids",
        ("tests/reliability/test_overlapping_attempts.py",),
    ),
    Mutant(
        "interrupted calls are counted",
        "orchestrator/runlog/scripts/begin.lua",
        "call('HSET', RUN, 'interrupted:' .. STEP, interrupted)",
        "local nothing = 0",
        ("tests/reliability/test_crash_sweep.py",),
    ),
    Mutant(
        "a run is compared with what it began with",
        "orchestrator/runlog/projects.py",
        "return NOTHING if pin is None else pin.decode().split()[1]",
        "return self.head(project_id)",
        ("tests/reliability/test_crash_sweep.py",),
    ),
    Mutant(
        "appends are idempotent",
        "orchestrator/runlog/scripts/_run.lua",
        "first = math.max(first, first + (produced or 0) + 1 - number)",
        "",
        ("tests/reliability/test_append.py",),
    ),
    Mutant(
        "replies of those who are gone keep their place",
        "orchestrator/runlog/wire.py",
        "            self.is_open = False\n            _wake(call, Redis",
        "            self.is_open = False\n            self._calls.remove(call)\n            _wake(call, Redis",
        ("tests/orchestrator/test_commands_trouble.py",),
    ),
    Mutant(
        "a connection that owes a reply takes no more calls",
        "orchestrator/runlog/wire.py",
        "            self.is_open = False\n            _wake(call, Redis",
        "            _wake(call, Redis",
        ("tests/orchestrator/test_commands_trouble.py",),
    ),
    Mutant(
        "one terminal event",
        "orchestrator/runlog/scripts/end.lua",
        "if ENDED[status] then return { 'ended', engine, project } end",
        "",
        ("tests/reliability/test_fence.py",),
    ),
    Mutant(
        "a commit renews all keys",
        "orchestrator/runlog/scripts/_run.lua",
        "if now - (kept or 0) > TTL / KEPT_EVERY then keep_alive(now) end",
        "",
        ("tests/orchestrator/test_run_log_expiry.py",),
    ),
    Mutant(
        "what a commit stores first expires",
        "orchestrator/runlog/scripts/commit.lua",
        "if place == 1 or undo_size > 0 then keep_alive(now) end",
        "",
        ("tests/orchestrator/test_run_log_expiry.py",),
    ),
    Mutant(
        "a run may store so much",
        "orchestrator/runlog/scripts/_run.lua",
        "return most_bytes and tonumber(bytes) > tonumber(most_bytes)",
        "return false",
        ("tests/http/test_too_many_runs.py",),
    ),
)
