"""The agent's steps as steps of an Inngest function."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, TypeVar

import inngest

from agent.errors import PermanentError
from agent.protocols import Emit
from orchestrator.drain import Interrupted
from orchestrator.events import dumps, end_code
from orchestrator.logs import get_logger
from orchestrator.patience import patiently
from orchestrator.runlog import AttemptStale, LogUnavailable, Refused, RunLog, RunMoved
from orchestrator.steps import DurableSteps
from orchestrator.steps.retry import DELAYS, delay_before

T = TypeVar("T")

INLINE_BYTES: Final = 2_000
"""Larger results stay in Redis and Inngest memoises a reference: each of its requests carries all that it memoises."""

log = get_logger(__name__)


class Disturbed(inngest.RetryAfterError):
    """Nothing is wrong with what was tried: its process ends, Redis is away, or another attempt is newer.

    Inngest counts it as any other error; where it gives up, on_failure knows it by its name.
    """


class InngestStep:
    """Implements ``agent.protocols.Step`` for one call of the function."""

    def __init__(
        self, ctx: inngest.ContextSync, run_id: str, execution: str, steps: DurableSteps, run_log: RunLog
    ) -> None:
        self._ctx, self._run_id, self._execution = ctx, run_id, execution
        self._steps, self._log = steps, run_log

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        memo = self._ctx.step.run(step_id, lambda: self._attempt(step_id, body))
        if "moved" in memo:
            raise RunMoved("the run goes on elsewhere")
        if "result" in memo:
            inline: T = memo["result"]
            return inline
        if step_id not in self._results:
            raise inngest.NonRetriableError(f"the result of step {step_id!r} is not stored any more", quiet=True)
        stored: T = self._results[step_id]
        return stored

    @cached_property
    def _results(self) -> dict[str, Any]:
        return patiently(self._log.results, self._run_id)

    def _attempt(self, step_id: str, body: Callable[[Emit], T]) -> dict[str, Any]:
        try:
            return in_terms_of_inngest(self._ctx.attempt, self._memoised, step_id, body)
        except RunMoved:
            return {"moved": True}  # a value, not an error: the function returns as if it were done
        except inngest.RetryAfterError as error:
            pause = max(0.0, (error.retry_after - datetime.datetime.now()).total_seconds())
            with suppress(Exception):  # then the watch takes the pause for the end of its process, which does no harm
                self._log.rest(self._run_id, self._execution, pause)
            raise

    def _memoised(self, step_id: str, body: Callable[[Emit], T]) -> dict[str, Any]:
        attempt, execution = self._ctx.attempt, self._execution
        try:
            result = self._steps.attempt(self._run_id, step_id, body, attempt, execution)
        except PermanentError as error:
            # Viewers learn it now, with its code; on_failure, which gets only a message, finds the run ended.
            patiently(self._log.fail, self._run_id, str(error), end_code(error), execution=execution)
            raise
        return {"result": result} if len(dumps(result)) <= INLINE_BYTES else {"stored": step_id}


def execution_of(inngest_run: str) -> str:
    """How an execution of the function claims its run."""
    return f"inngest:{inngest_run}"


def in_terms_of_inngest(attempt: int, work: Callable[..., T], *args: Any) -> T:
    """Call ``work``; raise what it raises as the errors that Inngest acts on."""
    try:
        return work(*args)
    except (inngest.NonRetriableError, inngest.RetryAfterError, inngest.StepError, RunMoved):
        raise  # a step inside has said it already, and a run that moved is no error
    except AttemptStale as error:
        # Most often nobody waits for this answer. Where somebody does, the next call finds the newer attempt's result.
        raise Disturbed(str(error), datetime.timedelta(seconds=DELAYS[0]), quiet=True) from error
    except (PermanentError, Refused) as error:
        raise inngest.NonRetriableError(str(error), quiet=True) from error
    except Exception as error:
        if not isinstance(error, Interrupted):
            log.warning("step.retry", attempt=attempt, error=repr(error))
        delay = datetime.timedelta(seconds=delay_before(attempt, error))
        kind = Disturbed if isinstance(error, Interrupted | LogUnavailable) else inngest.RetryAfterError
        raise kind(str(error) or repr(error), delay, quiet=True) from error
