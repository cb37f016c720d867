"""The unfinished runs, by engine: reserve, due, renew, remove, count.

A sorted set per engine: run → ms at which it is looked at next. A run is announced here before it is stored, so that
one whose process died in between is found, and it may stand in two sets while it moves: the run itself says which
engine it has (``RunLog.beats``), and whoever finds it in the wrong set takes it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from orchestrator.events import now_ms
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import unfinished


class RunQueue:
    def __init__(self, redis: Client) -> None:
        self._redis = redis

    def reserve(self, engine: str, run_id: str, seconds: float, pipe: Any = None) -> None:
        """Announce a run, with ``pipe`` if there is one; it is due in ``seconds``. May be repeated."""
        (self._redis if pipe is None else pipe).zadd(unfinished(engine), {run_id: _in(seconds)})

    def due(self, engine: str, most: int) -> list[str]:
        """Runs whose time has come, the longest due first."""
        return _names(self._redis.zrangebyscore(unfinished(engine), "-inf", now_ms(), start=0, num=most))

    def renew(self, engine: str, run_id: str, seconds: float) -> None:
        """Look at a run again in ``seconds``; does nothing where it was taken out meanwhile."""
        self._redis.zadd(unfinished(engine), {run_id: _in(seconds)}, xx=True)

    def remove(self, engine: str, run_id: str, pipe: Any = None) -> None:
        (self._redis if pipe is None else pipe).zrem(unfinished(engine), run_id)

    def ask_count(self, pipe: Any, engines: Iterable[str]) -> None:
        """Add commands to ``pipe`` whose replies are the numbers of unfinished runs."""
        for engine in engines:
            pipe.zcard(unfinished(engine))

    def count(self, engines: Sequence[str]) -> dict[str, int]:
        pipe = self._redis.pipeline(transaction=False)
        self.ask_count(pipe, engines)
        return dict(zip(engines, pipe.execute(), strict=True))

    def all(self, engine: str) -> list[str]:
        return _names(self._redis.zrange(unfinished(engine), 0, -1))


def _in(seconds: float) -> int:
    return now_ms() + int(seconds * 1000)


def _names(found: list[bytes]) -> list[str]:
    return [name.decode() for name in found]
