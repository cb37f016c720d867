"""The direct engine: this process drives runs itself, under a lease that lets any other take over when it dies."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from redis.exceptions import OutOfMemoryError, RedisError

from agent.errors import PermanentError, TransientError
from agent.protocols import Emit
from orchestrator.coding import Coder
from orchestrator.drain import Drain, Interrupted
from orchestrator.engines.retry import RETRIES, delay_before
from orchestrator.events import end_code, now_ms
from orchestrator.patience import AWAY, patiently
from orchestrator.runlog import AttemptStale, LogFull, LogUnavailable, Refused, RunLog
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import DIRECT_RUNS
from orchestrator.steps import DurableSteps

T = TypeVar("T")

LEASE_SECONDS: Final = 6.0
"""A process that is silent this long has lost its runs; with the look-out below they go on within 10 s."""

LOOK_SECONDS: Final = 1.0
"""How often leases are renewed and runs looked for that need a process."""

log = logging.getLogger(__name__)


class DirectStep:
    """Steps with their retries; implements ``agent.protocols.Step``."""

    def __init__(self, steps: DurableSteps, run_id: str, drain: Drain) -> None:
        self._steps, self._run_id, self._drain = steps, run_id, drain

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        attempt = 0
        while True:
            try:
                return self._steps.attempt(self._run_id, step_id, body)
            except (Interrupted, Refused, PermanentError):
                raise
            except TransientError as error:
                failure: Exception = error
            except Exception as error:
                log.exception("step.crashed run_id=%s step=%s", self._run_id, step_id)
                failure = error
            if attempt == RETRIES:
                raise PermanentError(f"Step {step_id} failed {attempt + 1} times: {failure}") from failure
            log.warning("step.retry run_id=%s step=%s attempt=%d error=%r", self._run_id, step_id, attempt, failure)
            if self._drain.started.wait(delay_before(attempt, failure)):
                raise Interrupted
            attempt += 1


class DirectEngine:
    """Drives up to ``slots`` runs of this process, known to others as ``owner``."""

    def __init__(
        self, redis: Client, run_log: RunLog, steps: DurableSteps, coder: Coder, drain: Drain, *, slots: int, owner: str
    ) -> None:
        self._redis, self._log, self._steps, self._coder, self._drain = redis, run_log, steps, coder, drain
        self._slots, self._owner = slots, owner
        self._held: dict[str, threading.Thread] = {}
        self._submitted: list[str] = []
        self._wake = threading.Event()

    def start(self) -> None:
        """Look for runs from now on, in the background. Call once, after the fork."""
        threading.Thread(target=self._keep_looking, name="direct-engine", daemon=True).start()

    def submit(self, run_id: str) -> None:
        """Hand in a stored run; this process takes it, or another when this one has no room or dies."""
        self._submitted.append(run_id)
        self._wake.set()

    def join(self) -> None:
        """Wait for the runs held here: once draining has started each stops after its step, or is given up."""
        for thread in list(self._held.values()):
            thread.join()

    def _keep_looking(self) -> None:
        next_look = 0.0
        while self._held or not self._drain.started.is_set():
            try:
                self._take(self._submitted)
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + LOOK_SECONDS
                    self._renew_leases()
                    self._take(self._due_runs())
            except (RedisError, OSError, LogFull) as error:
                log.warning("direct.redis_away error=%r", error)
            self._wake.wait(max(0.0, next_look - time.monotonic()))
            self._wake.clear()

    def _renew_leases(self) -> None:
        for run_id in list(self._held):
            with suppress(Refused):  # its runner notices by itself
                self._lease(run_id, LEASE_SECONDS)

    def _due_runs(self) -> list[str]:
        due = self._redis.zrangebyscore(DIRECT_RUNS, "-inf", now_ms(), start=0, num=self._slots)
        return [name.decode() for name in due]

    def _take(self, run_ids: list[str]) -> None:
        while run_ids and len(self._held) < self._slots and not self._drain.started.is_set():
            run_id = run_ids.pop(0)
            try:
                if run_id not in self._held and self._lease(run_id, LEASE_SECONDS):
                    self._spawn(run_id)
            except Refused:
                self._redis.zrem(DIRECT_RUNS, run_id)

    def _lease(self, run_id: str, seconds: float) -> bool:
        """Whether the run is this process's for ``seconds``. Raises Refused where it has ended."""
        ours = self._log.claim(run_id, "direct", self._owner, seconds)
        # Either way somebody has it; look again when that lease has run out.
        with suppress(OutOfMemoryError):  # then it stays due, and is found held
            self._redis.zadd(DIRECT_RUNS, {run_id: now_ms() + int(seconds * 1000)})
        return ours

    def _spawn(self, run_id: str) -> None:
        thread = threading.Thread(target=self._drive, args=(run_id,), name=f"run-{run_id}", daemon=True)
        self._held[run_id] = thread
        thread.start()

    def _drive(self, run_id: str) -> None:
        try:
            self._execute(run_id)
        except (Interrupted, LogUnavailable, *AWAY) as error:
            log.info("run.handed_over run_id=%s reason=%s", run_id, error)
            self._release(run_id)
        except Refused as error:
            log.info("run.stopped run_id=%s reason=%s", run_id, error)
            if not isinstance(error, AttemptStale):
                self._coder.clean_up(run_id)
        except Exception as error:
            log.exception("run.crashed run_id=%s", run_id)
            with suppress(*AWAY, Refused, LogUnavailable):
                patiently(self._log.fail, run_id, f"Internal error: {error}", "failed")
        finally:
            self._held.pop(run_id, None)
            self._wake.set()

    def _execute(self, run_id: str) -> None:
        started = time.monotonic()
        record = patiently(self._log.record, run_id)
        step = DirectStep(self._steps, run_id, self._drain)
        try:
            result = self._coder.run(record, step)
            patiently(self._log.complete, run_id, result)
        except PermanentError as error:
            patiently(self._log.fail, run_id, str(error), end_code(error))
        log.info("run.finished run_id=%s seconds=%.1f", run_id, time.monotonic() - started)
        self._coder.clean_up(run_id)

    def _release(self, run_id: str) -> None:
        """Let another process have the run at once instead of when the lease ends."""
        try:
            self._lease(run_id, 0.001)
        except (*AWAY, Refused):
            pass  # the lease ends by itself
