"""Starting and cancelling runs: what the routes call."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from redis.exceptions import RedisError

from agent.messages import Approval, Value
from orchestrator import metrics
from orchestrator.admission import Admission, Seen, TooManyRuns
from orchestrator.engines.approvals import WaitingRuns
from orchestrator.engines.dispatch import HELD, Choice, Dispatcher, hold
from orchestrator.engines.turns import OnConflict, Turns
from orchestrator.events import RunRequested
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.logs import get_logger
from orchestrator.runlog import Page, RunLog, RunRecord
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import project_latest
from orchestrator.runlog.staging import Branch

T = TypeVar("T")

log = get_logger(__name__)


class StartUncertain(Exception):
    """Redis did not answer while the run was being stored: it may have started."""


def always() -> None:
    """Nothing has to be waited for."""


class Prompt(Value):
    """What a caller asks for."""

    project_id: str
    value: str
    model: str = "auto"
    framework: str | None = None
    on_conflict: OnConflict = "queue"
    """What happens where another run of the project is unfinished."""


class Fork(Value):
    """From before which step of a run another one is to go on: with more words of the user, with another model."""

    step: str
    value: str | None = None
    model: str | None = None


class Again(Value):
    """A run that goes on from ``source``: a fork, or a retry."""

    source: str
    fork: Fork | None = None


class Runs:
    def __init__(
        self,
        redis: Client,
        run_log: RunLog,
        dispatcher: Dispatcher,
        turns: Turns,
        waiting: WaitingRuns,
        keys: IdempotencyKeys,
        admission: Admission,
    ) -> None:
        self._redis, self._log, self._dispatcher, self._turns = redis, run_log, dispatcher, turns
        self._waiting = waiting
        self._keys, self._admission = keys, admission

    def find(self, asked: Value, caller: str, key: str | None, run_id: str | None = None) -> tuple[str, bool]:
        """The id of the run to start, or of the one that the same ``key`` has started; and whether it is to start.

        ``asked``: what has to be the same when the key comes again, a Prompt mostly. ``run_id``: the id that it shall
        have, where the caller's protocol gives it one.

        Raises KeyReused and redis' errors.
        """
        run_id = run_id or f"run_{secrets.token_hex(12)}"
        if key is None:
            return run_id, True
        run_id, is_stored = self._keys.claim(caller, key, asked.model_dump_json(exclude_none=True), run_id)
        return run_id, not is_stored

    def start(self, run_id: str, prompt: Prompt, caller: str, ready: Callable[[], None] = always) -> Page | None:
        """Start the run, when its turn in its project comes; returns its first events, None where it was there before.

        ``ready`` is called when it may start and nothing has been written yet; what it raises is what comes of it.
        Raises UnknownProject, TooManyRuns, ProjectBusy, LogFull and redis' errors: then there is no run. Raises
        StartUncertain where there may be one.
        """
        request = RunRequested(
            run_id=run_id,
            project_id=prompt.project_id,
            value=prompt.value,
            model=prompt.model,
            framework=prompt.framework,
        )
        return self._start(
            request,
            prompt.on_conflict,
            caller,
            lambda choice: self._log.create(request, choice.engine, choice.why, caller),
            ready,
        )

    def branch(self, run_id: str, branch: Branch, caller: str) -> None:
        """Start a run that goes on from another, in that one's project.

        Raises what ``start`` does, and PastForgotten.
        """
        source = branch.past.record.request
        is_anew = branch.value is not None and not branch.past.steps
        request = RunRequested(
            run_id=run_id,
            project_id=source.project_id,
            value=branch.value if is_anew and branch.value else source.value,
            model=branch.model or source.model,
            framework=source.framework,
        )
        staged = self._log.staging.stage(run_id, branch)
        self._start(
            request,
            "queue",
            caller,
            lambda choice: self._log.adopt(staged, request, choice.engine, choice.why, caller),
        )
        log.info(f"run.{branch.kind}", run_id=run_id, source=source.run_id, steps=len(branch.past.steps), caller=caller)

    def _start(
        self,
        request: RunRequested,
        on_conflict: OnConflict,
        caller: str,
        store: Callable[[Choice], T],
        ready: Callable[[], None] = always,
    ) -> T:
        choice = self._admit(request, on_conflict, caller, ready)
        try:
            stored = store(choice)
        except RedisError as error:
            raise StartUncertain("Redis did not answer while the run was being stored: it may have started") from error
        if choice.engine != HELD:
            self._dispatcher.start(request, choice.engine)
        metrics.RUNS_STARTED.labels(choice.engine).inc()
        log.info("run.accepted", run_id=request.run_id, engine=choice.engine, model=request.model, caller=caller)
        return stored

    def _admit(self, request: RunRequested, on_conflict: OnConflict, caller: str, ready: Callable[[], None]) -> Choice:
        """Announce the run, which is to be stored next. Raises UnknownProject, TooManyRuns, ProjectBusy."""
        project_id = request.project_id
        seen = self._admission.look(project_id, caller)
        ready()
        if not seen.is_free or on_conflict != "queue":
            return self._admit_after_others(request, on_conflict, caller, seen)
        choice = self._dispatcher.choose(project_id)
        owner, joined = self._admission.announce(request, choice, caller)
        if owner == caller and not joined:
            return choice
        return self._admission.settle(request, choice, caller, owner, joined)

    def _admit_after_others(self, request: RunRequested, on_conflict: OnConflict, caller: str, seen: Seen) -> Choice:
        run_id, project_id = request.run_id, request.project_id
        if not seen.is_owned:  # nobody may meet, or cancel, the runs of another's project
            self._admission.own(project_id, caller)
        before = self._turns.join(project_id, run_id, on_conflict, lambda other: self.cancel(other, caller))
        try:
            self._admission.check_line(before)
        except TooManyRuns:
            self._log.line.leave(project_id, run_id)
            raise
        choice = hold(len(before)) if before else self._dispatcher.choose(project_id)
        self._admission.announce(request, choice, caller)
        return choice

    def latest(self, project_id: str) -> str | None:
        """The project's run that was started last; it may have expired, or never have been stored."""
        found: bytes | None = self._redis.get(project_latest(project_id))
        return found.decode() if found else None

    def cancel(self, run_id: str, caller: str) -> RunRecord:
        """End the run as cancelled, with a receipt; its step notices within half a second. Raises RunMissing.

        A run that has ended before stays as it is.
        """
        if self._log.fail(run_id, "Cancelled on request", "cancelled", receipt=True):
            log.info("run.cancelled", run_id=run_id, caller=caller)
        record = self._log.record(run_id)
        if record.status == "cancelled":
            self._dispatcher.cancel(run_id, record.fields["engine"])
        return record

    def answer(self, run_id: str, approval_id: str, answer: Approval, caller: str) -> None:
        """Allow or forbid what the run has asked for; it goes on at once. Raises what Approvals.answer does."""
        self._log.approvals.answer(run_id, approval_id, answer)
        log.info("run.answered", run_id=run_id, approval=approval_id, allow=answer.allow, caller=caller)
        with suppress(RedisError):  # the answer is stored: the watch comes to it
            self._waiting.go_on(run_id)
