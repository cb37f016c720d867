"""The four things around each step's body: memo, fence, rollback, commit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Final, TypeVar

from agent.errors import AgentError, Cancelled, PermanentError, TransientError
from agent.protocols import Emit, Tries
from orchestrator.drain import Interrupted
from orchestrator.logs import bound, get_logger
from orchestrator.patience import AWAY, patiently
from orchestrator.runlog import NOBODY, LogUnavailable, RunEnded, RunLog
from orchestrator.steps.counting import StepMetrics, count_retry
from orchestrator.steps.emitter import CHECK_SECONDS, Emitter, EmitterSettings
from orchestrator.steps.heart import Heart
from orchestrator.steps.retry import RETRIES, delay_before

T = TypeVar("T")

NOT_OF_THE_STEP: Final = (Interrupted, Cancelled, LogUnavailable)
"""The process ends, nobody wants the attempt, or nobody can be told: no failure of the step itself."""

MOST_ATTEMPTS: Final = 20
"""Whatever kills its process every time must not be taken over for ever."""

log = get_logger(__name__)


class DurableSteps:
    """Runs single attempts of steps against the run log; says what a failed one means. Engines call again."""

    def __init__(self, run_log: RunLog, settings: EmitterSettings) -> None:
        self._log = run_log
        self._settings = settings
        self._heart = Heart(run_log)

    def attempt(
        self, run_id: str, step: str, body: Callable[[Emit], T], engine_attempt: int = 0, execution: str = NOBODY
    ) -> T:
        """Return the stored result, or run ``body`` as a new attempt and store what it returns (JSON).

        ``execution`` is who has claimed the run. Raises TransientError (with the delay that viewers were told) where
        the body failed and may be called again, PermanentError where not, and runlog's refusals where this attempt is
        not wanted.
        """
        with bound(run_id=run_id, step=step):
            return self._attempt(run_id, step, body, engine_attempt, execution)

    def _attempt(self, run_id: str, step: str, body: Callable[[Emit], T], engine_attempt: int, execution: str) -> T:
        self._settings.drain.check_before_step()
        nonce = secrets.token_hex(8)
        check = self._settings.drain.check
        begun = patiently(self._log.begin, run_id, step, engine_attempt, nonce, execution, check=check)
        if begun.done:
            log.info("step.memo")
            result: T = begun.result
            return result
        if begun.attempt >= MOST_ATTEMPTS:
            raise PermanentError(f"step {step!r} was started {begun.attempt} times without an end")
        log.info("step.started", attempt=begun.attempt)
        counted = StepMetrics(step, begun)
        failed = max(begun.failed, engine_attempt)
        tries = Tries(begun.failed, begun.interrupted, begun.spent, is_last=failed >= RETRIES)
        emitter = Emitter(self._log, run_id, step, begun.attempt, self._settings, tries)
        with bound(attempt=begun.attempt), self._heart.beating(run_id, step, begun.attempt), closing(emitter) as emit:
            try:
                result = emit.commit(body(emit))
            except NOT_OF_THE_STEP:
                counted.end("given up")
                raise
            except PermanentError:
                counted.end("failed")
                raise
            except Exception as error:
                counted.end("failed")
                emit.abandon()
                raise self._failed(run_id, step, begun.attempt, failed + 1, error) from error
        log.info("step.finished", attempt=begun.attempt)
        counted.end("done", result)
        return result

    def wait(self, run_id: str, seconds: float) -> None:
        """Let the time before another attempt pass. Raises Interrupted when draining, RunEnded when cancelled."""
        give_up = time.monotonic() + seconds
        while (left := give_up - time.monotonic()) > 0:
            if self._settings.drain.started.wait(min(left, CHECK_SECONDS)):
                raise Interrupted
            with suppress(*AWAY):
                record = self._log.record(run_id)
                if record.ended:
                    raise RunEnded(record.status)

    def _failed(self, run_id: str, step: str, attempt: int, failed: int, error: Exception) -> AgentError:
        """What the failure of an attempt, the ``failed``-th, means to the engine; viewers are told at once."""
        if isinstance(error, AgentError):
            log.warning("step.failed", attempt=attempt, error=repr(error))
        else:
            log.error("step.crashed", attempt=attempt, exc_info=error)
        reason = str(error) or repr(error)
        if failed > RETRIES:
            return PermanentError(f"Step {step} failed {failed} times: {reason}")
        delay = delay_before(failed - 1, error)
        again = f"again in {delay:.0f} s, {failed + 1} of {RETRIES + 1}"
        spent = error.spent if isinstance(error, TransientError) else 0
        took_back = patiently(
            self._log.retry, run_id, step, attempt, reason, again, spent, check=self._settings.drain.check
        )
        count_retry(step, took_back=took_back)
        return TransientError(reason, delay)
