"""The mechanisms of docs/reliability.md, and how each is switched off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final


class DoesNotFit(Exception):
    """The text to be replaced stands not exactly once in its file: the list must follow the code."""


@dataclass(frozen=True)
class Mutant:
    name: str
    path: str
    text: str
    replacement: str
    tests: tuple[str, ...]

    def apply(self, tree: Path) -> None:
        """Raises DoesNotFit."""
        file = tree / self.path
        source = file.read_text()
        if source.count(self.text) != 1:
            raise DoesNotFit(f"{self.name}: {self.text!r} stands {source.count(self.text)} times in {self.path}")
        file.write_text(source.replace(self.text, self.replacement))


MUTANTS: Final = (
    # Steps, exactly once.
    Mutant(
        "memo",
        "orchestrator/runlog/scripts/begin.lua",
        "if result then return { 'done', result } end",
        "",
        ("tests/reliability/test_memo.py",),
    ),
    Mutant(
        "fence",
        "orchestrator/runlog/scripts/_run.lua",
        "if state[2] ~= attempt then return state, { 'stale', '' } end",
        "",
        ("tests/reliability/test_fence.py",),
    ),
    Mutant(
        "rollback",
        "orchestrator/runlog/scripts/begin.lua",
        "publish(redis.call('HGET', RUN, 'last'), { body })",
        "",
        ("tests/reliability/test_overlapping_attempts.py",),
    ),
    Mutant(
        "appends are idempotent",
        "orchestrator/runlog/scripts/_run.lua",
        "if done >= first_number then fresh = { unpack(bodies, done - first_number + 2) } end",
        "",
        ("tests/reliability/test_append.py",),
    ),
    Mutant(
        "one terminal event",
        "orchestrator/runlog/scripts/end.lua",
        "if ENDED[state[1]] then return { 'ended', state[2] or '' } end",
        "",
        ("tests/reliability/test_fence.py",),
    ),
    Mutant(
        "a commit renews all keys",
        "orchestrator/runlog/scripts/_run.lua",
        "if now - kept > TTL / KEPT_EVERY then keep_alive(now) end",
        "",
        ("tests/orchestrator/test_run_log.py",),
    ),
    # Engines.
    Mutant(
        "an execution that lost the run",
        "orchestrator/runlog/scripts/begin.lua",
        "if (run[2] or '') ~= ARGV[7] then return { 'moved', run[2] or '' } end",
        "",
        ("tests/orchestrator/test_run_log.py", "tests/reliability/test_failover.py"),
    ),
    Mutant(
        "take over from a dead process",
        "orchestrator/runlog/scripts/claim.lua",
        "local is_free = lease > 0 and tonumber(state[5] or '0') <= now",
        "local is_free = false",
        ("tests/reliability/test_takeover.py",),
    ),
    Mutant(
        "move runs that stand still",
        "orchestrator/engines/watch.py",
        "                self._look_at_still(scene, engine)",
        "                pass",
        ("tests/reliability/test_failover.py",),
    ),
    Mutant(
        "running steps beat",
        "orchestrator/steps/heart.py",
        "                    self._log.fence(*place)",
        "                    pass",
        ("tests/reliability/test_heart.py",),
    ),
    Mutant(
        "hand over on drain",
        "orchestrator/engines/direct.py",
        "            self._lease(run_id, 0.001)",
        "            pass",
        ("tests/reliability/test_drain.py",),
    ),
    Mutant(
        "a cancelled step looks up",
        "orchestrator/steps/emitter.py",
        "            self._log.fence(*self._place)",
        "            pass",
        ("tests/reliability/test_cancel.py",),
    ),
    Mutant(
        "one key, one run",
        "orchestrator/idempotency.py",
        "return first_run",
        "return run_id",
        ("tests/http/test_idempotency.py",),
    ),
    # Viewers and Redis.
    Mutant(
        "read again after a reconnect",
        "orchestrator/hub/hub.py",
        "                viewer.fall_behind()\n        watched.acknowledged.set()",
        "                pass\n        watched.acknowledged.set()",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "give up a dead connection",
        "orchestrator/hub/connection.py",
        "self._socket.shutdown(socket.SHUT_RDWR)",
        "pass",
        ("tests/orchestrator/test_hub_reconnects.py",),
    ),
    Mutant(
        "pages by bytes",
        "orchestrator/runlog/scripts/read.lua",
        "if size > room and #page > 3 then return page end",
        "",
        ("tests/orchestrator/test_pages.py",),
    ),
    Mutant(
        "hang up on who does not read",
        "orchestrator/hub/hub.py",
        "            viewer.hang_up()",
        "            pass",
        ("tests/reliability/test_viewers_that_do_not_read.py",),
    ),
    Mutant(
        "leave a demoted primary",
        "orchestrator/runlog/address.py",
        "epoch.number += 1",
        "pass",
        ("tests/reliability/test_redis_topologies.py",),
    ),
)
