"""Remembers which run a POST with an `Idempotency-Key` started."""

from __future__ import annotations

import hashlib

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys, idempotency, idempotency_of

KEY_LONGEST = 255
"""Characters; the header's draft names no limit, and this is what most APIs take."""


class KeyReused(Exception):
    """The same key came with another body."""


class IdempotencyKeys:
    """``ttl`` in seconds."""

    def __init__(self, redis: Client, ttl: float) -> None:
        self._redis, self._ttl = redis, int(ttl)

    def claim(self, caller: str, key: str, body: str, run_id: str) -> tuple[str, bool]:
        """Bind ``key`` to ``run_id``, unless it is bound; returns the run it is bound to, and whether that is stored.

        A key may be bound to a run that is not: its process died before. Raises KeyReused.
        """
        name, value = idempotency(_digest(caller, key)), f"{run_id} {_digest(body)}".encode()
        pipe = self._redis.pipeline(transaction=False)  # the names are in different slots
        pipe.set(name, value, nx=True, ex=self._ttl)
        pipe.get(name)
        pipe.set(idempotency_of(run_id), name, nx=True, ex=self._ttl)
        pipe.exists(RunKeys(run_id).run)
        is_bound, bound, is_noted, is_stored = pipe.execute()
        first_run, _, first_body = (bound or value).decode().partition(" ")
        if first_run != run_id:
            is_stored = self._is_stored(first_run, instead_of=run_id if is_noted else None)
        if not is_bound and first_body != _digest(body):
            raise KeyReused("this Idempotency-Key was used before with a different body")
        return first_run, bool(is_stored)

    def _is_stored(self, run_id: str, instead_of: str | None) -> bool:
        """``instead_of``: a run that the key has not started after all."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.exists(RunKeys(run_id).run)
        if instead_of is not None:
            pipe.delete(idempotency_of(instead_of))
        return bool(pipe.execute()[0])

    def extend(self, run_id: str, ttl: float) -> None:
        """The run lives for ``ttl`` seconds more, and the key that has started it, if there was one."""
        name = self._redis.get(idempotency_of(run_id))
        if name is not None:
            for each in (name, idempotency_of(run_id)):
                self._redis.expire(each, int(ttl))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
