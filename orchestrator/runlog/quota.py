"""What a caller has under way and a project has stored, asked when another run is to start.

Whoever ends a run takes it out of its caller's set; where that process died, who finds the set full looks through it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.events import now_ms
from orchestrator.runlog.connection import Client
from orchestrator.runlog.counter import ask_to_add, time_left
from orchestrator.runlog.keys import caller_runs, project_bytes, project_files


class Quota:
    """``window``: seconds after which what a project has stored is counted anew."""

    def __init__(self, redis: Client, window: float) -> None:
        self._redis, self._window = redis, int(window)

    def ask(self, pipe: Any, caller: str, project_id: str) -> None:
        """Add commands to ``pipe`` whose replies are a number of runs and, in text or None, two of bytes."""
        pipe.zcard(caller_runs(caller))
        pipe.get(project_bytes(project_id))
        pipe.hget(project_files(project_id), "bytes")

    def add_run(self, pipe: Any, caller: str, run_id: str) -> None:
        pipe.zadd(caller_runs(caller), {run_id: now_ms()})
        pipe.expire(caller_runs(caller), self._window)

    def runs(self, caller: str) -> dict[str, int]:
        """The caller's runs, ended ones among them: when they were added, in ms."""
        found = self._redis.zrange(caller_runs(caller), 0, -1, withscores=True)
        return {name.decode(): int(score) for name, score in found}

    def drop_runs(self, caller: str, run_ids: Iterable[str], pipe: Any = None) -> None:
        if names := list(run_ids):
            (self._redis if pipe is None else pipe).zrem(caller_runs(caller), *names)

    def end_run(self, run_id: str, caller: str, project_id: str, size: int) -> None:
        """The run has ended and leaves ``size`` bytes."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.zrem(caller_runs(caller), run_id)
        ask_to_add(pipe, project_bytes(project_id), size, self._window)
        # Asked only because it gives one an end that has none.
        time_left(self._redis, project_bytes(project_id), pipe.execute()[-1], self._window)
