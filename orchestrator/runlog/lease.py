"""What one process at a time does for all, for as long as it lives."""

from __future__ import annotations

from orchestrator.runlog.connection import Client


class Lease:
    """A name in Redis that ``owner`` holds for ``seconds``; whoever holds it renews it by asking."""

    def __init__(self, redis: Client, name: str, owner: str, seconds: float) -> None:
        self._redis, self._name, self._owner, self._ms = redis, name, owner, int(seconds * 1000)

    def mine(self) -> bool:
        """Whether this process has it now. Raises redis' errors."""
        if self._redis.set(self._name, self._owner, nx=True, px=self._ms):
            return True
        if self._redis.get(self._name) != self._owner.encode():
            return False
        return bool(self._redis.pexpire(self._name, self._ms))
