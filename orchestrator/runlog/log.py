"""Create, claim, write, end and read runs. One call is one round trip, and any of them may be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from redis.exceptions import RedisError

from agent.outcome import title
from orchestrator import metrics
from orchestrator.access import LOCAL, RunOwner
from orchestrator.events import EndCode, RunRequested, dumps, encode_body, encode_head, encode_place, now_ms
from orchestrator.redact import Redactor
from orchestrator.runlog.approvals import Approvals
from orchestrator.runlog.calls import Scripts
from orchestrator.runlog.connection import Client
from orchestrator.runlog.inbox import Inbox
from orchestrator.runlog.index import RunIndex
from orchestrator.runlog.journal import Journal
from orchestrator.runlog.keys import WATCH_LEASE, RunKeys
from orchestrator.runlog.line import ProjectLine
from orchestrator.runlog.past import PastForgotten, Pasts
from orchestrator.runlog.projects import ProjectFiles
from orchestrator.runlog.queue import RunQueue
from orchestrator.runlog.quota import Quota
from orchestrator.runlog.record import END_STATUSES, Beat, Begun, Page, RunRecord
from orchestrator.runlog.refusals import LogUnavailable, RunMissing, RunTooLarge, RunUnfinished, refusal
from orchestrator.runlog.run_files import RunFiles
from orchestrator.runlog.staging import Staged, Staging
from orchestrator.runlog.states import State
from orchestrator.runlog.untold import Untold
from orchestrator.runlog.views import FilesView

LEASE_SECONDS: Final = 6.0
"""How long a running step may be silent: its process says every two seconds that it still runs."""

STALL_SECONDS: Final = 15.0
"""How long a run may stand between two steps, unless a setting says otherwise."""

MOST_READ: Final = 5_000
"""Events in one reply."""

MOST_READ_BYTES: Final = 4_194_304
"""Bytes of one reply, but for a single event that is larger."""

MOST_BRIEF: Final = 300
"""Characters of an error's message in a list of runs."""

NO_STEP: Final = ""
"""The step of what belongs to none: the first status, the terminal event."""

T = TypeVar("T")

NOBODY: Final = ""
"""The execution of a run that is not claimed."""

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


class RunLog:
    """All of a run that is in Redis. ``ttl``, ``lease`` and ``stall`` in seconds, ``max_events``, ``max_bytes`` a run.

    ``lease`` is how long a running step may be silent, ``stall`` how long nothing may happen between two steps;
    ``redact`` masks secrets in text. ``reports_errors``: runs that end in an error are put on the list of the untold;
    ``traced``: see ``RunIndex``.
    """

    def __init__(
        self,
        redis: Client,
        *,
        ttl: float = 86_400,
        max_events: int = 10_000,
        max_bytes: int = 67_108_864,
        lease: float = LEASE_SECONDS,
        stall: float = STALL_SECONDS,
        redact: Redactor | None = None,
        reports_errors: bool = False,
        traced: bool = False,
    ) -> None:
        self._redis = redis
        self.redact = redact or Redactor()
        self.lease = lease
        self._max_bytes = max_bytes
        self.queue = RunQueue(redis)
        self.line = ProjectLine(redis)
        self.projects = ProjectFiles(redis, ttl)
        self.run_files = RunFiles(redis)
        self.quota = Quota(redis, ttl)
        self.index = RunIndex(redis, traced=traced)
        self.journal = Journal(redis)
        self.untold = Untold(redis, ttl)
        self._reports_errors = reports_errors
        self._scripts = Scripts(redis, max_events, *(int(seconds * 1000) for seconds in (ttl, lease, stall)))
        self.pasts = Pasts(redis, self.journal, self._scripts)
        self.staging = Staging(redis, self.redact)
        self.inbox = Inbox(self._scripts, self.redact)
        self.approvals = Approvals(self._scripts, self.queue, self.redact)

    def create(self, request: RunRequested, engine: str, greeting: str, caller: str = LOCAL) -> Page | None:
        """Store a queued run of ``caller`` whose first event is the status ``greeting``; None where it exists.

        Returns what can be read of it now.
        """
        body = encode_body(request.run_id, "status", greeting, "request", 0)
        fields = self._fields(request, engine, caller, now_ms())
        outcome, event = self._scripts.call("create", request.run_id, NO_STEP, body, *_flat(fields))
        if outcome != b"ok":
            return None
        return Page("queued", last=1, first=1, owner=RunOwner(caller, request.project_id), events=[event])

    def adopt(self, staged: Staged, request: RunRequested, engine: str, greeting: str, caller: str) -> bool:
        """Store a queued run that goes on from another; False where it exists. See ``create``.

        Raises PastForgotten where the project's files of that time are gone, LogFull.
        """
        body = encode_body(request.run_id, "status", greeting, "request", 0)
        # Before, as the run may be taken up at once; and after: a sweep may have met a run that was not stored yet.
        created = self._begin_like(self.projects.agree, staged, request, now_ms()) or now_ms()
        fields = self._fields(request, engine, caller, created) | staged.fields
        args = [body, staged.last, staged.size, *_flat(fields)]
        reply = self._scripts.call("adopt", request.run_id, NO_STEP, *args, more_keys=staged.keys)
        outcome = str(reply[0], "utf-8")
        if outcome == "lost":
            raise LogUnavailable("what the run was to take over could not be stored in time")
        if outcome == "ok":
            self._begin_like(self.projects.pin, staged, request, created)
        return outcome == "ok"

    def _begin_like(
        self, pin: Callable[[str, str, int, str], T], staged: Staged, request: RunRequested, created: int
    ) -> T | None:
        if not staged.has_begun:
            return None
        try:
            return pin(request.project_id, request.run_id, created, staged.source_id)
        except KeyError as error:
            raise PastForgotten("What the run began with is not stored any more") from error

    def _fields(self, request: RunRequested, engine: str, caller: str, created: int) -> dict[str, Any]:
        return {
            "caller": caller,
            "engine": engine,
            "projectId": request.project_id,
            "model": request.model,
            "request": self._masked(request).model_dump_json(by_alias=True, exclude={"generation"}),
            "title": title(self.redact(request.value)),
            "createdAt": created,
            "mostBytes": self._max_bytes,
        }

    def _masked(self, request: RunRequested) -> RunRequested:
        return request.model_copy(update={"value": self.redact(request.value)})

    def claim(self, run_id: str, execution: str, generation: int | None = None, lease: float = 0) -> bool:
        """Whether ``execution`` ("<engine>:<its name>") has the run from now on, for ``lease`` seconds if not 0.

        Not where another one has it, or where the run is of another engine or generation by now.
        Raises RunMissing, RunEnded, RunMoved (it is another engine's).
        """
        engine = execution.partition(":")[0]
        which = "" if generation is None else str(generation)
        outcome, detail = self._call("claim", run_id, NO_STEP, engine, execution, which, int(lease * 1000))
        if outcome not in ("ok", "taken"):
            raise refusal(outcome, detail)
        return outcome == "ok"

    def begin(self, run_id: str, step: str, engine_attempt: int, nonce: str, execution: str = NOBODY) -> Begun:
        """Start an attempt: earlier ones turn stale, and what they published is rolled back.

        Raises RunMissing, RunEnded, RunMoved (``execution`` has not claimed the run, or has it no more), AttemptStale
        (``engine_attempt`` is older than one that has started).
        """
        head, tail = _rollback(run_id, step, "the attempt did not finish")
        outcome, detail = self._call("begin", run_id, step, execution, engine_attempt, nonce, head, tail)
        if outcome == "done":
            return Begun(attempt=0, result=json.loads(detail), done=True)
        if outcome != "go":
            raise refusal(outcome, detail)
        attempt, failed, interrupted, spent, rolled_back = map(int, detail.split())
        return Begun(attempt, failed, interrupted, spent, bool(rolled_back))

    def append(self, run_id: str, step: str, attempt: int, number: int, bodies: Sequence[str]) -> None:
        """Store and publish events; ``number`` counts the attempt's events from 1 and makes a repeat harmless.

        Raises RunMissing, RunEnded, AttemptStale, LogFull, RunTooLarge.
        """
        outcome, detail = self._call("append", run_id, step, attempt, number, *bodies)
        if outcome == "full":
            raise RunTooLarge
        if outcome != "ok":
            raise refusal(outcome, detail)
        metrics.EVENTS_APPENDED.inc(len(bodies))

    def commit(
        self,
        run_id: str,
        step: str,
        attempt: int,
        result: Any,
        number: int,
        bodies: Sequence[str],
        changes: Mapping[str, bytes | None],
    ) -> Any:
        """Finish a step: its last events, its changed files (None: deleted) and its result, all or nothing.

        Returns the step's stored result: another attempt's, where that one was first. Raises what ``append`` raises.
        """
        kept = {path: content for path, content in changes.items() if content is not None}
        deleted = [path for path, content in changes.items() if content is None]
        args = [dumps(result), number, len(bodies), *bodies, len(kept), *_flat(kept), *deleted]
        outcome, detail = self._call("commit", run_id, step, attempt, *args)
        if outcome == "done":
            return json.loads(detail)
        if outcome == "full":
            raise RunTooLarge
        if outcome != "ok":
            raise refusal(outcome, detail)
        metrics.EVENTS_APPENDED.inc(len(bodies))
        return result

    def retry(self, run_id: str, step: str, attempt: int, reason: str, again: str, spent: int) -> bool:
        """An attempt failed for ``reason``: roll back what it has published, tell viewers when it is tried ``again``.

        ``spent``: tokens it had used. Returns whether it had published anything. Raises RunMissing, RunEnded,
        AttemptStale, LogFull.
        """
        reason = self.redact(reason)
        head, tail = _rollback(run_id, step, reason)
        status = encode_body(run_id, "status", f"{reason}; {again}", step, attempt + 1)
        outcome, detail = self._call("retry", run_id, step, attempt, head, tail, status, spent)
        if outcome != "ok":
            raise refusal(outcome, detail)
        return bool(detail)

    def rest(self, run_id: str, execution: str, seconds: float) -> None:
        """A step failed and is tried again in ``seconds``: until then silence is in order. Raises Refused."""
        outcome, detail = self._call("rest", run_id, NO_STEP, execution, int(seconds * 1000))
        if outcome != "ok":
            raise refusal(outcome, detail)

    def move(self, beat: Beat, engine: str, sentence: str) -> bool:
        """Give a run that stands still since ``beat`` to ``engine``; False where it does not stand still any more.

        Viewers read ``sentence``. Raises RunMissing, RunEnded.
        """
        self.queue.reserve(engine, beat.run_id, 0)
        outcome, detail = self._call("move", beat.run_id, NO_STEP, beat.at, engine, self._status(beat, sentence))
        if outcome not in ("ok", "alive"):
            raise refusal(outcome, detail)
        # The watch takes it out of the other queue: of two that move it at a time, neither may take it out of both.
        return outcome == "ok"

    def note(self, beat: Beat, sentence: str, remembered: str) -> None:
        """Tell the viewers of a run that stands still since ``beat``; nothing where it does not any more."""
        body = self._status(beat, sentence)
        self._call("note", beat.run_id, NO_STEP, beat.at, body, f"{beat.at} {remembered}")

    def _status(self, beat: Beat, sentence: str) -> str:
        return encode_body(beat.run_id, "status", sentence, "request", 0)

    def complete(self, run_id: str, result: Mapping[str, Any], execution: str = NOBODY) -> bool:
        """End the run well; False where it has ended before. Raises RunMissing, RunMoved (see ``fail``)."""
        shown = self.redact.value(result)
        body = encode_body(run_id, "complete", shown, NO_STEP, 0)
        brief = {name: shown.get(name) for name in ("outcome", "missing", "usage")}
        return self._end(run_id, "complete", body, "", execution, brief)

    def fail(self, run_id: str, message: str, code: EndCode, *, receipt: bool = False, execution: str = NOBODY) -> bool:
        """End the run with an ``error`` event, with a receipt of what had been done if asked; see ``complete``.

        Raises RunMissing, and RunMoved where ``execution`` is named and does not have the run.
        """
        if self._reports_errors:
            with suppress(RedisError):  # a Redis that is full takes the end of a run and nothing else
                self.untold.add(run_id)
        shown = self.redact(message)
        body = encode_body(run_id, "error", shown, NO_STEP, 0, {"code": code})
        brief = {"error": shown[:MOST_BRIEF]}
        return self._end(run_id, code, body, "receipt" if receipt else "", execution, brief)

    def _end(self, run_id: str, status: str, body: str, receipt: str, execution: str, brief: Mapping[str, Any]) -> bool:
        body = body.removesuffix("}")
        reply = self._scripts.call("end", run_id, NO_STEP, status, body, receipt, execution, dumps(brief))
        outcome, engine, project_id, *stored = (str(part, "utf-8") for part in reply)
        if outcome in ("missing", "moved"):
            raise refusal(outcome, "")
        if outcome == "ok":
            metrics.RUNS_ENDED.labels(status, engine).inc()
        with suppress(RedisError):  # in slots of their own; whoever finds an ended run there takes it out too
            self.queue.remove(engine, run_id)
            self.line.leave(project_id, run_id)
            if stored:
                self.quota.end_run(run_id, stored[0], project_id, int(stored[1]))
        return outcome == "ok"

    def remove(self, run_id: str) -> None:
        """Remove all of a run that has ended. What comes late for it finds no run, and starts none.

        Raises RunMissing, RunUnfinished.
        """
        outcome, detail, caller, project_id = (
            str(part, "utf-8") for part in self._scripts.call("remove", run_id, NO_STEP)
        )
        if outcome == "unfinished":
            raise RunUnfinished(detail)
        if outcome != "ok":
            raise refusal(outcome, detail)
        with suppress(RedisError):  # in slots of their own; whoever meets the name there takes it out too
            self.index.remove(caller, project_id, run_id)

    def fence(self, run_id: str, step: str, attempt: int) -> None:
        """Raise RunMissing, RunEnded or AttemptStale where this attempt may not write."""
        self.append(run_id, step, attempt, 1, [])

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

    def keep_ticket(self, run_id: str, generation: int, ticket: str) -> None:
        """Remember what an engine answered when it was given the run; see ``RunRecord.ticket``."""
        self._redis.hset(RunKeys(run_id).run, f"ticket:{generation}", ticket)

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

    def sweep_projects(self) -> int:
        """Drop what projects held for runs that have expired; returns how many projects were looked at."""
        due = self.projects.due()
        for project_id in due:
            self.projects.swept(project_id, again=self.projects.sweep(project_id, self.stored))
        return len(due)

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

    def _call(self, script: str, run_id: str, step: str, *args: Any) -> tuple[str, str]:
        outcome, detail = self._scripts.call(script, run_id, step, *args)
        return outcome.decode(), detail.decode()


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


def _flat(mapping: Mapping[str, Any]) -> list[Any]:
    return [part for pair in mapping.items() for part in pair]


def _rollback(run_id: str, step: str, reason: str) -> tuple[str, str]:
    """A rollback event's body up to its ids and attempt numbers, and from there: only the script knows them."""
    head = f'{encode_head(run_id, "rollback")},"data":{{"step":{dumps(step)},"reason":{dumps(reason)},'
    return head, f"}},{encode_place(step)}"
