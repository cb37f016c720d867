"""Which runs there are: a sorted set for each caller and each project, run → when it was asked for, in ms.

A run is noted before it is stored, and its name may outlive it: whoever meets a name without a run takes it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from orchestrator.events import now_ms
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import TRACES, RunKeys, listed_of_caller, listed_of_project
from orchestrator.runlog.record import RunRecord

KEPT_SECONDS: Final = 30 * 86_400
"""After the last run; as long as a project's files."""
MOST_LISTED: Final = 10_000
"""Runs of a caller, and of a project; about 1 MB."""
MOST_LOOKED: Final = 1_000
"""Runs that one call looks at for those it wants; the next call goes on behind them."""
CHUNK: Final = 200
ARRIVING_MS: Final = 60_000
"""A run noted this recently may not be stored yet."""

FIELDS: Final = (
    *("status", "caller", "projectId", "title", "model", "engine", "createdAt", "startedAt", "endedAt", "last", "end"),
    *("origin", "waitsFor"),
)
"""Of the run hash: what a list shows of a run."""

_CURSOR: Final = re.compile(r"([0-9]{1,15})(?:-([A-Za-z0-9_-]{1,64}))?", re.ASCII)


class Cursor(NamedTuple):
    """A place in a list: before this run, or, without one, before that ms."""

    ms: int
    run_id: str = ""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None where it is none."""
        found = _CURSOR.fullmatch(text)
        return cls(int(found[1]), found[2] or "") if found else None

    def __str__(self) -> str:
        return f"{self.ms}-{self.run_id}"


@dataclass(frozen=True)
class RunPage:
    """Runs, the newest first, with FIELDS only; ``next``: where more may follow."""

    runs: list[RunRecord]
    next: Cursor | None


class RunIndex:
    """``traced``: every run is also noted for its trace, which ``orchestrator.traces`` takes out when it is sent."""

    def __init__(self, redis: Client, *, traced: bool = False) -> None:
        self._redis, self._traced = redis, traced

    def add(self, pipe: Any, caller: str, project_id: str, run_id: str) -> None:
        """Add commands to ``pipe`` that note a run. May be repeated."""
        for name in (listed_of_caller(caller), listed_of_project(project_id)):
            pipe.zadd(name, {run_id: now_ms()}, nx=True)
            pipe.zremrangebyrank(name, 0, -MOST_LISTED - 1)
            pipe.expire(name, KEPT_SECONDS)
        if self._traced:
            pipe.zadd(TRACES, {run_id: now_ms()}, nx=True)

    def add_one(self, caller: str, project_id: str, run_id: str) -> None:
        pipe = self._redis.pipeline(transaction=False)  # the names are in different slots
        self.add(pipe, caller, project_id, run_id)
        pipe.execute()

    def remove(self, caller: str, project_id: str, run_id: str, pipe: Any = None) -> None:
        for name in (listed_of_caller(caller), listed_of_project(project_id)):
            (self._redis if pipe is None else pipe).zrem(name, run_id)

    def page(
        self,
        caller: str,
        project_id: str | None,
        wanted: Callable[[RunRecord], bool],
        before: Cursor | None,
        limit: int,
        *,
        chunk: int = CHUNK,
    ) -> RunPage:
        """Up to ``limit`` of the caller's runs, of one project if named; fewer where ``wanted`` leaves many out."""
        name = listed_of_caller(caller) if project_id is None else listed_of_project(project_id)
        found: list[RunRecord] = []
        gone: list[str] = []
        at, looked, has_more = before, 0, False
        for cursor, record in self._walk(name, before, chunk):
            if len(found) == limit or looked == MOST_LOOKED:
                has_more = True
                break
            at, looked = cursor, looked + 1
            if record is None:
                gone += [cursor.run_id] if now_ms() - cursor.ms > ARRIVING_MS else []
            elif record.fields.get("caller") == caller and wanted(record):
                found.append(record)
        if gone:
            self._redis.zrem(name, *gone)
        return RunPage(found, at if has_more else None)

    def _walk(self, name: str, before: Cursor | None, chunk: int) -> Iterator[tuple[Cursor, RunRecord | None]]:
        """The runs noted there, the newest first; None for one that is not stored."""
        highest, seen = "+inf" if before is None else str(before.ms), 0
        while True:
            entries = self._redis.zrevrangebyscore(name, highest, "-inf", start=seen, num=chunk, withscores=True)
            places = [Cursor(int(score), member.decode()) for member, score in entries]
            places = [place for place in places if before is None or place < before]
            yield from zip(places, self._records([place.run_id for place in places]), strict=True)
            if len(entries) < chunk:
                return
            seen += len(entries)

    def _records(self, run_ids: list[str]) -> list[RunRecord | None]:
        pipe = self._redis.pipeline(transaction=False)  # the runs are in different slots
        for run_id in run_ids:
            pipe.hmget(RunKeys(run_id).run, FIELDS)
        return [_record(run_id, row) for run_id, row in zip(run_ids, pipe.execute(), strict=True)]


def _record(run_id: str, row: list[bytes | None]) -> RunRecord | None:
    fields = {name: value.decode() for name, value in zip(FIELDS, row, strict=True) if value is not None}
    return RunRecord(run_id, fields) if "status" in fields else None
