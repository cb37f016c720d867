"""How often a caller may call: counted in Redis, for all processes together. Without Redis the answer is 503, soon."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import flask
from gevent.lock import BoundedSemaphore
from redis.exceptions import RedisError

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import requests_of
from orchestrator.web.errors import Problem

WINDOW_SECONDS: Final = 60


class _Round:
    """Requests that are counted by one call; ``before`` them others were."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.before: dict[str, int] = {}
        self.error: RedisError | None = None
        self.is_over = False


class RequestCounts:
    """Requests of each name since the first one of its minute; for greenlets.

    Those that come while Redis is asked wait for the next call and share it: a thousand that come at once take few.
    """

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._asking = BoundedSemaphore()
        self._gathering = _Round()

    def count(self, name: str) -> int:
        """How many there are with this one. Raises redis' errors."""
        mine = self._gathering
        mine.requests[name] += 1
        place = mine.requests[name]
        with self._asking:
            if not mine.is_over:
                self._gathering = _Round()
                self._ask(mine)
        if mine.error is not None:
            raise mine.error
        return mine.before[name] + place

    def _ask(self, round: _Round) -> None:
        try:
            pipe = self._redis.pipeline(transaction=False)
            for name, number in round.requests.items():
                pipe.set(requests_of(name), 0, ex=WINDOW_SECONDS, nx=True)
                pipe.incrby(requests_of(name), number)
            totals = pipe.execute()[1::2]
            for (name, number), total in zip(round.requests.items(), totals, strict=True):
                round.before[name] = total - number
        except RedisError as error:
            self._gathering.error = round.error = error  # who has come meanwhile has waited as long as it may take
            self._gathering.is_over = True
            self._gathering = _Round()
        round.is_over = True

    def seconds_left(self, name: str) -> int:
        """Of the minute, at least 1. Raises redis' errors."""
        return max(1, int(self._redis.ttl(requests_of(name))))


def request_limit(redis: Client, per_minute: int) -> Callable[[], None]:
    """A ``before_request`` function for after the door's. Raises Problem 429, and redis' errors."""
    counts = RequestCounts(redis)

    def count_request() -> None:
        name = _caller()
        if counts.count(name) > per_minute:
            later = {"Retry-After": str(counts.seconds_left(name))}
            raise Problem(429, f"More than {per_minute} requests a minute", headers=later)

    return count_request


def _caller() -> str:
    caller = flask.g.get("caller")
    return _digest(caller.name if caller is not None else flask.request.remote_addr or "")


@lru_cache(maxsize=1024)
def _digest(who: str) -> str:
    """Never the caller's name itself: Redis' names are seen by many."""
    return hashlib.sha256(who.encode()).hexdigest()[:16]
