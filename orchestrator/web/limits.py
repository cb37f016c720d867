"""How often a caller may call: counted in Redis, for all processes together. Without Redis the answer is 503, soon."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

import flask
from flask_limiter import Limiter, RateLimitExceeded
from limits.storage import Storage
from redis.exceptions import RedisError

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import requests_of
from orchestrator.web.errors import Problem


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
    """A ``before_request`` function for after the door's. Raises Problem 429, and redis' errors."""
    limiter = Limiter(
        _caller,
        app=app,
        storage_uri="runwire://",
        storage_options={"client": redis},
        strategy="fixed-window",
        headers_enabled=False,  # they cost two more calls, and an answer must not be lost because Redis died after it
    )

    @limiter.shared_limit(f"{per_minute} per minute", scope="calls")
    def count() -> None:
        pass

    def count_request() -> None:
        try:
            count()
        except RateLimitExceeded as error:
            assert limiter.current_limit is not None
            seconds = max(1, int(limiter.current_limit.reset_at - time.time()))
            later = {"Retry-After": str(seconds)}
            raise Problem(429, f"More than {per_minute} requests a minute", headers=later) from error

    return count_request


def _caller() -> str:
    """Never the caller's key itself: Redis' names are seen by many."""
    caller = flask.g.get("caller")
    who = caller.name if caller is not None else flask.request.remote_addr or ""
    return hashlib.sha256(who.encode()).hexdigest()[:16]
