"""Create, claim, write, end and read runs. One call is one round trip, and any of them may be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import OutOfMemoryError, RedisError, ResponseError

from orchestrator.events import EndCode, RunRequested, dumps, encode_body, now_ms
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import DIRECT_RUNS, INNGEST_RUNS, RunKeys
from orchestrator.runlog.refusals import LogFull, RunMissing, refuse
from orchestrator.runlog.script import Script

SCRIPTS: Final = ("create", "claim", "begin", "append", "commit", "end", "read")
END_STATUSES: Final = frozenset({"complete", "failed", "cancelled", "timeout", "lost"})
ALLOWED_OOM: Final = ("claim", "begin", "end")
"""A run must be taken and ended even where Redis is full."""

MOST_READ: Final = 5_000
"""Events in one reply."""

MOST_READ_BYTES: Final = 4_194_304
"""Bytes of one reply, but for a single event that is larger."""

NO_STEP: Final = ""
"""The step of what belongs to none: the first status, the terminal event."""


@dataclass(frozen=True)
class Begun:
    """How a step starts: with ``attempt``, or at once with the ``result`` it already has."""

    attempt: int
    result: Any = None
    done: bool = False


@dataclass(frozen=True)
class Page:
    """Stored events with ids ``first`` … in order, as their exact bytes, and where the log stands."""

    status: str
    last: int
    first: int
    events: list[bytes]

    @property
    def end(self) -> int:
        """The id of the last event read; where none was, of the last one there is."""
        return self.first + len(self.events) - 1

    @property
    def has_more(self) -> bool:
        """Whether the log holds events behind this page."""
        return self.end < self.last

    @property
    def ended(self) -> bool:
        return self.status in END_STATUSES


@dataclass(frozen=True)
class RunRecord:
    """The run hash. Times are ms since the epoch."""

    run_id: str
    fields: dict[str, str]

    @property
    def status(self) -> str:
        return self.fields["status"]

    @property
    def ended(self) -> bool:
        return self.status in END_STATUSES

    @property
    def last(self) -> int:
        return int(self.fields["last"])

    @property
    def request(self) -> RunRequested:
        return RunRequested.model_validate_json(self.fields["request"])

    def time(self, name: str) -> int | None:
        return int(self.fields[name]) if name in self.fields else None


class RunLog:
    """All of a run that is in Redis. ``ttl`` in seconds, ``max_events`` per run; ``redact`` masks secrets in text."""

    def __init__(
        self,
        redis: Client,
        *,
        ttl: float = 86_400,
        max_events: int = 10_000,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.redis = redis
        self.redact = redact
        self._limits = (str(max_events), str(int(ttl * 1000)))
        self._scripts = {name: Script(redis, name, allow_oom=name in ALLOWED_OOM) for name in SCRIPTS}

    def create(self, request: RunRequested, engine: str, greeting: str) -> bool:
        """Store a queued run whose first event is the status ``greeting``; False where it exists already."""
        body = encode_body(request.run_id, "status", greeting, "request", 0)
        fields = {
            "engine": engine,
            "projectId": request.project_id,
            "model": request.model,
            "request": request.model_dump_json(by_alias=True),
            "createdAt": now_ms(),
        }
        outcome, _ = self._call("create", request.run_id, NO_STEP, body, *_flat(fields))
        return outcome == "ok"

    def claim(self, run_id: str, engine: str, owner: str = "", lease: float = 0) -> bool:
        """Whether ``engine`` has the run from now on (for ``lease`` seconds, where it is kept by a lease).

        Raises RunMissing, RunEnded.
        """
        outcome, detail = self._call("claim", run_id, NO_STEP, engine, owner, int(lease * 1000))
        if outcome in ("missing", "ended"):
            raise refuse(outcome, detail)
        return outcome == "ok"

    def begin(self, run_id: str, step: str, engine_attempt: int, nonce: str) -> Begun:
        """Start an attempt: earlier ones turn stale, and what they published is rolled back.

        Raises RunMissing, RunEnded, AttemptStale (``engine_attempt`` is older than one that has started).
        """
        head, tail = _rollback(run_id, step)
        outcome, detail = self._call("begin", run_id, step, engine_attempt, nonce, head, tail)
        if outcome == "done":
            return Begun(attempt=0, result=json.loads(detail), done=True)
        if outcome != "go":
            raise refuse(outcome, detail)
        return Begun(attempt=int(detail))

    def append(self, run_id: str, step: str, attempt: int, number: int, bodies: Sequence[str]) -> None:
        """Store and publish events; ``number`` counts the attempt's events from 1 and makes a repeat harmless.

        Raises RunMissing, RunEnded, AttemptStale, LogFull.
        """
        outcome, detail = self._call("append", run_id, step, attempt, number, *bodies)
        if outcome != "ok":
            raise refuse(outcome, detail)

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

        Returns the step's stored result: another attempt's, where that one was first.
        """
        kept = {path: content for path, content in changes.items() if content is not None}
        deleted = [path for path, content in changes.items() if content is None]
        args = [dumps(result), number, len(bodies), *bodies, len(kept), *_flat(kept), *deleted]
        outcome, detail = self._call("commit", run_id, step, attempt, *args)
        if outcome == "done":
            return json.loads(detail)
        if outcome != "ok":
            raise refuse(outcome, detail)
        return result

    def complete(self, run_id: str, result: Mapping[str, Any]) -> bool:
        """End the run well; False where it has ended before. Raises RunMissing."""
        return self._end(run_id, "complete", encode_body(run_id, "complete", result, NO_STEP, 0))

    def fail(self, run_id: str, message: str, code: EndCode, *, receipt: bool = False) -> bool:
        """End the run with an ``error`` event, with a receipt of what had been done if asked; see ``complete``."""
        body = encode_body(run_id, "error", message, NO_STEP, 0, {"code": code})
        return self._end(run_id, code, body, "receipt" if receipt else "")

    def _end(self, run_id: str, status: str, body: str, receipt: str = "") -> bool:
        body = self.redact(body).removesuffix("}")
        outcome, detail = self._call("end", run_id, NO_STEP, status, body, receipt)
        with suppress(RedisError):  # in slots of their own; whoever finds an ended run there takes it out too
            self.redis.zrem(DIRECT_RUNS, run_id)
            self.redis.zrem(INNGEST_RUNS, run_id)
        if outcome == "missing":
            raise refuse(outcome, detail)
        return outcome == "ok"

    def fence(self, run_id: str, step: str, attempt: int) -> None:
        """Raise RunMissing, RunEnded or AttemptStale where this attempt may not write."""
        self.append(run_id, step, attempt, 1, [])

    def record(self, run_id: str) -> RunRecord:
        """Raises RunMissing."""
        fields: dict[bytes, bytes] = self.redis.hgetall(RunKeys(run_id).run)
        if b"status" not in fields:
            raise RunMissing(f"no run {run_id!r}")
        return RunRecord(run_id, {name.decode(): value.decode() for name, value in fields.items()})

    def exists(self, run_id: str) -> bool:
        return bool(self.redis.exists(RunKeys(run_id).run))

    def read(self, run_id: str, after: int, count: int, size: int = MOST_READ_BYTES) -> Page:
        """Stored events after the id ``after``: up to ``count`` (at most MOST_READ) with ``size`` bytes in all.

        An event that is larger than ``size`` comes alone. Raises RunMissing.
        """
        keys = RunKeys(run_id)
        args = [keys.channel, *self._limits, NO_STEP, after, min(count, MOST_READ), size]
        status, *rest = self._scripts["read"](keys=keys.all, args=args)
        if not rest:
            raise RunMissing(f"no run {run_id!r}")
        last, first, *events = rest
        return Page(status.decode(), int(last), first, events)

    def end_event(self, run_id: str) -> bytes | None:
        """The terminal event of a run that has ended (the log's last entry)."""
        entries = self.redis.xrevrange(RunKeys(run_id).log, count=1)
        return entries[0][1][b"e"] if entries else None

    def results(self, run_id: str) -> dict[str, Any]:
        """All stored results: step → value."""
        stored: dict[bytes, bytes] = self.redis.hgetall(RunKeys(run_id).steps)
        return {step.decode(): json.loads(value) for step, value in stored.items()}

    def files(self, run_id: str) -> dict[str, bytes]:
        """The run's files as its last finished step left them."""
        stored: dict[bytes, bytes] = self.redis.hgetall(RunKeys(run_id).files)
        return {path.decode(): content for path, content in stored.items()}

    def _call(self, script: str, run_id: str, step: str, *args: Any) -> tuple[str, str]:
        keys = RunKeys(run_id)
        try:
            outcome, detail = self._scripts[script](keys=keys.all, args=[keys.channel, *self._limits, step, *args])
        except ResponseError as error:
            if isinstance(error, OutOfMemoryError) or "OOM" in str(error):
                raise LogFull("Redis has no memory left: the run cannot be stored") from error
            raise
        return outcome.decode(), detail.decode()


def _flat(mapping: Mapping[str, Any]) -> list[Any]:
    return [part for pair in mapping.items() for part in pair]


def _rollback(run_id: str, step: str) -> tuple[str, str]:
    """A rollback event's body up to its ids and attempt numbers, and from there: only the script knows them."""
    marker = "\0"
    data = {"step": step, "reason": "the attempt did not finish", "ids": marker}
    body = encode_body(run_id, "rollback", data, step, 0)
    head, tail = body.split(dumps({"ids": marker})[1:-1])
    return head, tail.removesuffix(',"attempt":0}')
