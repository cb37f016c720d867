"""How often a caller may call: counted in Redis, for all processes together. Without Redis the answer is 503, soon."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import flask
from flask_limiter import Limiter
from limits.storage import Storage
from redis.exceptions import RedisError

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import requests_of


class OurRedis(Storage):
    """The service's own client as a storage of ``limits``: whatever Redis one URL names, with its time-outs."""

    STORAGE_SCHEME = ["runwire"]  # noqa: RUF012  # as its base class declares it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, *, client: Any = None) -> None:
        super().__init__(uri, wrap_exceptions)
        self._redis: Client = client

    @property
    def base_exceptions(self) -> type[Exception]:
        return RedisError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(requests_of(key), 0, ex=expiry, nx=True)
        pipe.incrby(requests_of(key), amount)
        return int(pipe.execute()[1])

    def get(self, key: str) -> int:
        return int(self._redis.get(requests_of(key)) or 0)

    def get_expiry(self, key: str) -> float:
        now = self._redis.time()[0]
        return float(now + max(0, self._redis.ttl(requests_of(key))))

    def check(self) -> bool:
        return bool(self._redis.ping())

    def clear(self, key: str) -> None:
        self._redis.delete(requests_of(key))

    def reset(self) -> int | None:
        return None  # nobody asks; the counts expire within a minute


def request_limit(app: flask.Flask, redis: Client, per_minute: int) -> Callable[[], None]:
    """A ``before_request`` function for after the door's; it raises 429, and Retry-After is added."""
    limiter = Limiter(
        _caller,
        app=app,
        storage_uri="runwire://",
        storage_options={"client": redis},
        strategy="fixed-window",
        headers_enabled=True,
    )

    @limiter.shared_limit(f"{per_minute} per minute", scope="calls")
    def count_request() -> None:
        pass

    return count_request


def _caller() -> str:
    """Never the caller's key itself: Redis' names are seen by many."""
    caller = flask.g.get("caller")
    who = caller.name if caller is not None else flask.request.remote_addr or ""
    return hashlib.sha256(who.encode()).hexdigest()[:16]
