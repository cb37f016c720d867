"""The runs that ended in an error of which nobody outside has been told: add, due, later, told, remove.

A sorted set: run → ms at which it is told next. A run is put on it just before it ends, so that a process that dies in
between has not forgotten it.
"""

from __future__ import annotations

from orchestrator.events import now_ms
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import UNTOLD, told


class Untold:
    """``ttl``: seconds for which it is known who was told."""

    def __init__(self, redis: Client, ttl: float) -> None:
        self._redis, self._ttl = redis, int(ttl * 1000)

    def add(self, run_id: str) -> None:
        """May be repeated, also after it was told."""
        if not self._redis.exists(told(run_id)):
            self._redis.zadd(UNTOLD, {run_id: now_ms()}, nx=True)

    def due(self, most: int) -> list[str]:
        """Runs whose time has come, the longest due first."""
        found = self._redis.zrangebyscore(UNTOLD, "-inf", now_ms(), start=0, num=most)
        return [run_id.decode() for run_id in found]

    def later(self, run_id: str, seconds: float) -> None:
        self._redis.zadd(UNTOLD, {run_id: now_ms() + int(seconds * 1000)}, xx=True)

    def told(self, run_id: str) -> None:
        self._redis.set(told(run_id), 1, px=self._ttl)
        self.remove(run_id)

    def remove(self, run_id: str) -> None:
        self._redis.zrem(UNTOLD, run_id)
