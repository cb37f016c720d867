"""Running the agent in this process alone: steps, events and files in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from agent.entries import Entry, LeftOut
from agent.errors import AgentError, Cancelled, PermanentError, TransientError
from agent.loop import DEFAULT_LIMITS, SILENT, run_code_agent
from agent.memory_store import MemoryStore
from agent.messages import Limits, RunRequest
from agent.protocols import JSON, ChatModel, Emit, Sandbox, Tries, User

T = TypeVar("T")
Event = dict[str, Any]

RETRY_DELAYS: Final = (1.0, 4.0, 15.0)
"""Seconds before the second, third and fourth attempt of a step, unless the error names its own."""


class LocalRun:
    """A ``Step``: what an engine does elsewhere. ``project``: what the run's folder holds at its beginning."""

    def __init__(self, run_id: str, project: Mapping[str, Entry], on_event: Callable[[Event], None]) -> None:
        self.run_id = run_id
        self.last_id = 0
        self.store = MemoryStore(project)
        self._on_event = on_event

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        tries = Tries()
        for attempt, delay in enumerate([*RETRY_DELAYS, None]):
            emit = _LocalEmit(self, step_id, attempt, replace(tries, is_last=delay is None))
            before = self.last_id
            try:
                result = body(emit)
            except TransientError as error:
                if delay is None:
                    raise
                self._roll_back(step_id, attempt + 1, before, str(error))
                wait = delay if error.delay is None else error.delay
                of = len(RETRY_DELAYS) + 1
                self.publish("status", f"{error}; again in {wait:.0f} s, {attempt + 2} of {of}", step_id, attempt + 1)
                time.sleep(wait)
                tries = Tries(failed=attempt + 1, spent=tries.spent + error.spent)
            else:
                if emit.kept:
                    self.store.apply(*emit.kept)
                return result
        raise AssertionError("the last attempt returns or raises")

    def publish(self, type: str, data: JSON, step: str, attempt: int = 0, **extra: JSON) -> None:
        self.last_id += 1
        envelope = {"id": self.last_id, "runId": self.run_id, "type": type, "data": data}
        self._on_event({**envelope, "timestamp": int(time.time() * 1000), "step": step, "attempt": attempt, **extra})

    def _roll_back(self, step: str, attempt: int, before: int, reason: str) -> None:
        if self.last_id > before:
            span = {"fromId": before + 1, "toId": self.last_id}
            self.publish("rollback", {"step": step, "attempt": attempt, **span, "reason": reason}, step, attempt)


class _LocalEmit:
    def __init__(self, run: LocalRun, step: str, attempt: int, tries: Tries) -> None:
        self.tries = tries
        self.kept: tuple[Mapping[str, Entry | None], Sequence[LeftOut]] | None = None
        self._run = run
        self._step = step
        self.attempt = attempt

    def __call__(self, type: str, data: JSON) -> None:
        self._run.publish(type, data, self._step, self.attempt)

    def keep(self, changes: Mapping[str, Entry | None], left_out: Sequence[LeftOut] = ()) -> None:
        self.kept = changes, left_out

    def check(self) -> None:
        """Nobody but Ctrl-C cancels a local run."""


def run_locally(
    request: RunRequest,
    run: LocalRun,
    *,
    model: ChatModel,
    sandbox: Sandbox,
    user: User = SILENT,
    limits: Limits = DEFAULT_LIMITS,
) -> bool:
    """Run to the end and publish the terminal event; ``False`` if that is an ``error``."""
    try:
        result = run_code_agent(request, run, model=model, sandbox=sandbox, store=run.store, user=user, limits=limits)
    except KeyboardInterrupt:
        run.publish("error", "Cancelled", "end", code="cancelled")
    except AgentError as error:
        run.publish("error", str(error), "end", code=_code(error))
    else:
        run.publish("complete", result.model_dump(by_alias=True, mode="json"), "end")
        return True
    return False


def _code(error: AgentError) -> str:
    if isinstance(error, PermanentError):
        return error.code
    return "cancelled" if isinstance(error, Cancelled) else "failed"
