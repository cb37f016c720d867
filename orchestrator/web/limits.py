"""How often a caller may call: counted in Redis, for all processes together, and hardly ever waited for."""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import gevent
from gevent.event import AsyncResult
from redis.exceptions import OutOfMemoryError

from orchestrator.runlog.connection import Client
from orchestrator.runlog.counter import ask_to_add, time_left
from orchestrator.runlog.keys import requests_of
from orchestrator.web.errors import Problem
from orchestrator.web.here import here, this_request

WINDOW_SECONDS: Final = 60


class _Round:
    """Requests that Redis is told of in one call; ``before`` them there were others."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.before: dict[str, int] = {}
        self.told: AsyncResult[None] = AsyncResult()


class _Minute:
    """A caller's requests of all processes, as far as known here, until it ``ends`` by the monotonic clock."""

    __slots__ = ("ends", "number")

    def __init__(self, number: int, ends: float) -> None:
        self.number, self.ends = number, ends


class RequestCounts:
    """Requests of each name since the first one of its minute; for greenlets.

    Redis is told of them afterwards, of all that came in a turn together, and says how many others there were: so two
    processes know of each other's within a round trip, and a single one counts exactly. Only where nothing is known of
    a name, or its minute is over, does a request wait for that. Redis being away, nothing is known soon;
    being full, each process counts for itself.
    """

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._minutes: dict[str, _Minute] = {}
        self._gathering = _Round()
        self._is_telling = False

    def count(self, name: str) -> int:
        """How many there are with this one. Raises redis' errors."""
        mine = self._gathering
        mine.requests[name] += 1
        place = mine.requests[name]
        if not self._is_telling:
            self._is_telling = True
            gevent.spawn(self._tell_all)
        minute = self._minutes.get(name)
        if minute is not None and time.monotonic() < minute.ends:
            minute.number += 1
            return minute.number
        mine.told.get()
        return mine.before[name] + place

    def seconds_left(self, name: str) -> int:
        """Of the minute of a name that was just counted, at least 1."""
        minute = self._minutes.get(name)
        return max(1, math.ceil(minute.ends - time.monotonic())) if minute is not None else WINDOW_SECONDS

    def _tell_all(self) -> None:
        try:
            while self._gathering.requests:
                round, self._gathering = self._gathering, _Round()
                self._tell(round)
        finally:
            self._is_telling = False

    def _tell(self, round: _Round) -> None:
        try:
            found = self._ask(round)
        except OutOfMemoryError:
            found = self._counted_here(round)
        except Exception as error:  # a bug, too: somebody may be waiting
            self._lose(round, error)
            return
        now = time.monotonic()
        for (name, number), (total, left) in zip(round.requests.items(), found, strict=True):
            round.before[name] = total - number
            self._minutes[name] = _Minute(total + self._gathering.requests[name], now + left)
        round.told.set(None)

    def _ask(self, round: _Round) -> list[tuple[int, float]]:
        """How many there are of each name, and how many seconds its minute has left."""
        pipe = self._redis.pipeline(transaction=False)
        for name, number in round.requests.items():
            ask_to_add(pipe, requests_of(name), number, WINDOW_SECONDS)
        replies = pipe.execute()
        names = map(requests_of, round.requests)
        return [
            (total, time_left(self._redis, name, left, WINDOW_SECONDS))
            for name, total, left in zip(names, replies[1::3], replies[2::3], strict=True)
        ]

    def _counted_here(self, round: _Round) -> list[tuple[int, float]]:
        """The same where Redis is full: each process counts its own, for runs can be read, ended and removed then."""
        now, found = time.monotonic(), []
        for name, number in round.requests.items():
            minute = self._minutes.get(name)
            if minute is None or now >= minute.ends:
                found.append((number, float(WINDOW_SECONDS)))
            else:
                found.append((minute.number - self._gathering.requests[name], minute.ends - now))
        return found

    def _lose(self, round: _Round, error: Exception) -> None:
        later, self._gathering = self._gathering, _Round()
        self._minutes.clear()
        for each in (round, later):  # who has come meanwhile has waited as long as it may take
            each.told.set_exception(error)


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
    caller = here().get("caller")
    return _digest(caller.name if caller is not None else this_request().remote_addr or "")


@lru_cache(maxsize=1024)
def _digest(who: str) -> str:
    """Never the caller's name itself: Redis' names are seen by many."""
    return hashlib.sha256(who.encode()).hexdigest()[:16]
