"""What can be read of runs; nothing here changes one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from orchestrator.access import RunOwner
from orchestrator.runlog.calls import NO_STEP
from orchestrator.runlog.keys import WATCH_LEASE, RunKeys
from orchestrator.runlog.parts import Parts
from orchestrator.runlog.record import END_STATUSES, Beat, Page, RunRecord
from orchestrator.runlog.refusals import RunMissing
from orchestrator.runlog.states import State
from orchestrator.runlog.views import FilesView

MOST_READ: Final = 5_000
"""Events in one reply."""

MOST_READ_BYTES: Final = 4_194_304
"""Bytes of one reply, but for a single event that is larger."""

CLOCK: Final = "return redis.call('TIME')"
"""With a key, as a Cluster needs one."""

_BEAT_FIELDS: Final = (
    "status",
    "engine",
    "beat",
    "silence",
    "createdAt",
    "step",
    "doneStep",
    "claimed",
    "projectId",
    "noted",
    "releasedAt",
    "waited",
    "waitsFor",
)


class Reads(Parts):
    """Records, beats, events, results and files."""

    def record(self, run_id: str) -> RunRecord:
        """Raises RunMissing."""
        fields: dict[bytes, bytes] = self._redis.hgetall(RunKeys(run_id).run)
        if b"status" not in fields:
            raise RunMissing(f"no run {run_id!r}")
        return RunRecord(run_id, {name.decode(): value.decode() for name, value in fields.items()})

    def beats(self, run_ids: Iterable[str]) -> tuple[int, dict[str, Beat | None]]:
        """Redis' clock in ms, and how these runs stand; None for one that is not stored or has ended."""
        names = list(run_ids)
        pipe = self._redis.pipeline(transaction=False)  # the runs are in different slots
        for run_id in names:
            pipe.hmget(RunKeys(run_id).run, _BEAT_FIELDS)
        rows = pipe.execute()
        return self._clock(), {run_id: _beat(run_id, row) for run_id, row in zip(names, rows, strict=True)}

    def beat(self, run_id: str) -> Beat | None:
        """How an unfinished run stands."""
        return self.beats([run_id])[1][run_id]

    def _clock(self) -> int:
        seconds, micros = self._redis.eval(CLOCK, 1, WATCH_LEASE)
        return int(seconds) * 1000 + int(micros) // 1000

    def exists(self, run_id: str) -> bool:
        """Whether a run with that id is stored, or was and has been removed: no other may have it."""
        return bool(self._redis.exists(RunKeys(run_id).run))

    def stored(self, run_ids: Iterable[str]) -> set[str]:
        """Which of these runs are stored."""
        names = list(run_ids)
        pipe = self._redis.pipeline(transaction=False)  # the runs are in different slots
        for run_id in names:
            pipe.hexists(RunKeys(run_id).run, "status")
        return {run_id for run_id, found in zip(names, pipe.execute(), strict=True) if found}

    def read(self, run_id: str, after: int, count: int, size: int = MOST_READ_BYTES) -> Page:
        """Stored events after the id ``after``: up to ``count`` (at most MOST_READ) with ``size`` bytes in all.

        An event that is larger than ``size`` comes alone. Raises RunMissing.
        """
        count = min(count, MOST_READ)
        status, *rest = self._scripts.call("read", run_id, NO_STEP, after, count, size)
        if not rest:
            raise RunMissing(f"no run {run_id!r}")
        last, first, caller, project_id, *events = rest
        return Page(status.decode(), int(last), first, RunOwner(caller.decode(), project_id.decode()), events)

    def end_event(self, run_id: str) -> bytes | None:
        """The terminal event of a run that has ended (the log's last entry)."""
        entries = self._redis.xrevrange(RunKeys(run_id).log, count=1)
        return entries[0][1][b"e"] if entries else None

    def results(self, run_id: str) -> dict[str, Any]:
        """All stored results: step → value."""
        stored: dict[bytes, bytes] = self._redis.hgetall(RunKeys(run_id).steps)
        return {step.decode(): json.loads(value) for step, value in stored.items()}

    def some_results(self, run_id: str, steps: Sequence[str]) -> dict[str, Any]:
        """The stored results of these steps; those that have none are left out."""
        stored: list[bytes | None] = self._redis.hmget(RunKeys(run_id).steps, steps) if steps else []
        return {step: json.loads(value) for step, value in zip(steps, stored, strict=True) if value is not None}

    def files(self, run_id: str) -> dict[str, bytes]:
        """The contents that the run itself has changed, as its last finished step left them, with RunFiles' BESIDE."""
        stored: dict[bytes, bytes] = self._redis.hgetall(RunKeys(run_id).files)
        return {path.decode(): content for path, content in stored.items()}

    def files_of(self, run_id: str, project_id: str) -> FilesView:
        """All that the run has, as its last finished step left it. Raises KeyError where its beginning is gone."""
        changes = self.run_files.changes(run_id)
        base, below = self.projects.state(project_id, self.projects.base(project_id, run_id))
        own = changes or State(changes={}, left_out=base.left_out)
        return FilesView(
            own.over(below),
            frozenset(path for path, mark in own.changes.items() if mark is not None),
            partial(self.run_files.read, run_id),
            partial(self.projects.read, project_id),
            own.left_out,
        )

    def files_before(self, run_id: str, project_id: str) -> FilesView:
        """What the run began with. Raises KeyError where that is not stored."""
        return self.projects.view(project_id, self.projects.base(project_id, run_id))

    def files_of_project(self, project_id: str) -> FilesView:
        return self.projects.view(project_id, self.projects.head(project_id))


def _beat(run_id: str, row: list[bytes | None]) -> Beat | None:
    status, engine, at, silence, created, step, done, claimed, project, noted, released, waited, waits_for = (
        None if part is None else part.decode() for part in row
    )
    if not status or status in END_STATUSES:
        return None
    return Beat(
        run_id,
        engine or "",
        at=int(at or 0),
        silence=int(silence or 0),
        created=int(released or created or 0) + int(waited or 0),
        step=step,
        done_step=done,
        claimed=claimed,
        project_id=project or "",
        noted=noted or "",
        waits_for=waits_for,
    )
