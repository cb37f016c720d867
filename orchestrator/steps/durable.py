"""The four things around each step's body: memo, fence, rollback, commit."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import closing
from typing import Final, TypeVar

from agent.errors import PermanentError
from agent.protocols import Emit
from orchestrator.patience import patiently
from orchestrator.runlog import RunLog
from orchestrator.runlog.log import NOBODY
from orchestrator.steps.emitter import Emitter, EmitterSettings
from orchestrator.steps.heart import Heart

T = TypeVar("T")

MOST_ATTEMPTS: Final = 20
"""Whatever kills its process every time must not be taken over for ever."""

log = logging.getLogger(__name__)


class DurableSteps:
    """Runs single attempts of steps against the run log. Engines decide about retries."""

    def __init__(self, run_log: RunLog, settings: EmitterSettings) -> None:
        self._log = run_log
        self._settings = settings
        self._heart = Heart(run_log)

    def attempt(
        self, run_id: str, step: str, body: Callable[[Emit], T], engine_attempt: int = 0, execution: str = NOBODY
    ) -> T:
        """Return the stored result, or run ``body`` as a new attempt and store what it returns (JSON).

        ``execution`` is who has claimed the run. Raises what the body raises, and runlog's refusals where this attempt
        is not wanted.
        """
        self._settings.drain.check_before_step()
        nonce = secrets.token_hex(8)
        check = self._settings.drain.check
        begun = patiently(self._log.begin, run_id, step, engine_attempt, nonce, execution, check=check)
        if begun.done:
            log.info("step.memo run_id=%s step=%s", run_id, step)
            result: T = begun.result
            return result
        if begun.attempt >= MOST_ATTEMPTS:
            raise PermanentError(f"step {step!r} was started {begun.attempt} times without an end")
        log.info("step.started run_id=%s step=%s attempt=%d", run_id, step, begun.attempt)
        emitter = Emitter(self._log, run_id, step, begun.attempt, self._settings)
        with self._heart.beating(run_id, step, begun.attempt), closing(emitter) as emit:
            result = emit.commit(body(emit))
        log.info("step.finished run_id=%s step=%s attempt=%d", run_id, step, begun.attempt)
        return result
