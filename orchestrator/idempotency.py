"""Remembers which run a POST with an `Idempotency-Key` started."""

from __future__ import annotations

import hashlib

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import idempotency, idempotency_of

KEY_LONGEST = 255
"""Characters; the header's draft names no limit, and this is what most APIs take."""


class KeyReused(Exception):
    """The same key came with another body."""


class IdempotencyKeys:
    """``ttl`` in seconds."""

    def __init__(self, redis: Client, ttl: float) -> None:
        self._redis, self._ttl = redis, int(ttl)

    def claim(self, caller: str, key: str, body: str, run_id: str) -> str:
        """Bind ``key`` to ``run_id`` unless it is bound already; returns the run it is bound to. Raises KeyReused."""
        name = idempotency(_digest(caller, key))
        value = f"{run_id} {_digest(body)}".encode()
        if self._redis.set(name, value, nx=True, ex=self._ttl):
            self._redis.set(idempotency_of(run_id), name, ex=self._ttl)
            return run_id
        first_run, _, first_body = (self._redis.get(name) or value).decode().partition(" ")
        if first_body != _digest(body):
            raise KeyReused("this Idempotency-Key was used before with a different body")
        return first_run

    def extend(self, run_id: str, ttl: float) -> None:
        """The run lives for ``ttl`` seconds more, and the key that has started it, if there was one."""
        name = self._redis.get(idempotency_of(run_id))
        if name is not None:
            for each in (name, idempotency_of(run_id)):
                self._redis.expire(each, int(ttl))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
