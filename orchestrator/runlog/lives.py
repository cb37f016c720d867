"""How a run comes to be, who has it, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from redis.exceptions import RedisError

from agent.outcome import title
from orchestrator import metrics
from orchestrator.access import LOCAL, RunOwner
from orchestrator.events import EndCode, RunRequested, dumps, encode_body, now_ms
from orchestrator.runlog.calls import NO_STEP, flat
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.parts import Parts
from orchestrator.runlog.past import PastForgotten
from orchestrator.runlog.record import NOBODY, Beat, Page
from orchestrator.runlog.refusals import LogUnavailable, RunUnfinished, refusal
from orchestrator.runlog.staging import Staged

MOST_BRIEF: Final = 300
"""Characters of an error's message in a list of runs."""

T = TypeVar("T")


class Lives(Parts):
    """Create or adopt, claim and move, complete or fail, remove."""

    def create(self, request: RunRequested, engine: str, greeting: str, caller: str = LOCAL) -> Page | None:
        """Store a queued run of ``caller`` whose first event is the status ``greeting``; None where it exists.

        Returns what can be read of it now.
        """
        body = encode_body(request.run_id, "status", greeting, "request", 0)
        fields = self._fields(request, engine, caller, now_ms())
        outcome, event = self._scripts.call("create", request.run_id, NO_STEP, body, *flat(fields))
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
        args = [body, staged.last, staged.size, *flat(fields)]
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

    def keep_ticket(self, run_id: str, generation: int, ticket: str) -> None:
        """Remember what an engine answered when it was given the run; see ``RunRecord.ticket``."""
        self._redis.hset(RunKeys(run_id).run, f"ticket:{generation}", ticket)

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
