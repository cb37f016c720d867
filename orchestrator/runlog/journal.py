"""What became of a run's steps and their attempts, as the scripts noted it: a line a step, which only grows.

An entry is ``what attempt ms …``; ``done`` and ``taken`` (over from another run) end with the step's place among the
finished ones and its result's size, ``failed`` and ``interrupted`` with the ids that were taken back, if any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys

How = Literal["running", "waiting", "failed", "interrupted", "done"]


@dataclass(frozen=True)
class StepAttempt:
    """Times in ms since the epoch; ``rolled_back``: the first and last id that were taken back."""

    number: int
    began: int
    ended: int | None = None
    how: How = "running"
    rolled_back: tuple[int, int] | None = None


@dataclass(frozen=True)
class StepRecord:
    name: str
    attempts: tuple[StepAttempt, ...]
    place: int | None = None
    """Among the finished steps, from 1."""
    size: int | None = None
    """Bytes of its result."""
    is_taken: bool = False
    """Another run has made it."""

    @property
    def is_done(self) -> bool:
        return self.place is not None

    @property
    def latest(self) -> StepAttempt:
        return self.attempts[-1]


class Journal:
    def __init__(self, redis: Client) -> None:
        self._redis = redis

    def read(self, run_id: str) -> list[StepRecord]:
        """The run's steps, the finished ones first, in the order in which they were."""
        stored: Mapping[bytes, bytes] = self._redis.hgetall(RunKeys(run_id).journal)
        steps = [decode(name.decode(), line.decode()) for name, line in stored.items()]
        return sorted(steps, key=lambda step: (not step.is_done, step.place or 0, step.attempts[0].began))


def decode(name: str, line: str) -> StepRecord:
    attempts: list[StepAttempt] = []
    place = size = None
    is_taken = False
    for entry in line.split(","):
        what, number, ms, *more = entry.split(" ")
        if what in ("began", "taken"):
            attempts.append(StepAttempt(int(number), int(ms)))
        if what != "began":
            attempts[-1] = _ended(attempts[-1], what, int(ms), more)
        if what in ("done", "taken"):
            place, size, is_taken = int(more[0]), int(more[1]), what == "taken"
    return StepRecord(name, tuple(attempts), place, size, is_taken)


def _ended(attempt: StepAttempt, what: str, ms: int, more: list[str]) -> StepAttempt:
    how: How = "done" if what == "taken" else cast(How, what)
    if how == "done" or not more:
        return replace(attempt, ended=ms, how=how)
    first, _, last = more[0].partition("-")
    return replace(attempt, ended=ms, how=how, rolled_back=(int(first), int(last)))


def encode_taken(step: StepRecord, ms: int) -> str:
    """The line of a finished step in the run that takes it over."""
    return f"taken {step.latest.number} {ms} {step.place} {step.size}"
