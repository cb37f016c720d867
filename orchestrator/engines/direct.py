"""The direct engine: this process drives runs itself, under a lease that lets any other take over when it dies."""

from __future__ import annotations

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
from orchestrator.engines.protocol import Standing
from orchestrator.events import RunRequested, end_code
from orchestrator.logs import get_logger
from orchestrator.patience import AWAY, patiently
from orchestrator.runlog import AttemptStale, LogFull, LogUnavailable, Refused, RunLog, RunMoved, RunRecord
from orchestrator.runlog.causes import cause
from orchestrator.steps import DurableSteps

T = TypeVar("T")

LEASE_SECONDS: Final = 6.0
"""A process that is silent this long has lost its runs; with the look-out below they go on within 10 s."""

LOOK_SECONDS: Final = 1.0
"""How often leases are renewed and runs looked for that need a process."""

log = get_logger(__name__)


class DirectStep:
    """Steps with their retries; implements ``agent.protocols.Step``."""

    def __init__(self, steps: DurableSteps, run_id: str, execution: str) -> None:
        self._steps, self._run_id, self._execution = steps, run_id, execution

    def run(self, step_id: str, body: Callable[[Emit], T]) -> T:
        while True:
            try:
                return self._steps.attempt(self._run_id, step_id, body, execution=self._execution)
            except (Interrupted, LogUnavailable):
                raise  # another process goes on: one that stays, or one whose Redis answers
            except TransientError as error:
                self._steps.wait(self._run_id, error.delay or 0.0)


class DirectEngine:
    """Drives up to ``places`` runs of this process, known to others as ``owner``. Implements ``Engine``.

    With ``allowed`` false it takes no runs: the watch gives those that are left to another engine.
    """

    name = "direct"
    title = "the service itself"

    def __init__(
        self,
        run_log: RunLog,
        steps: DurableSteps,
        coder: Coder,
        drain: Drain,
        *,
        places: int,
        owner: str,
        allowed: bool = True,
    ) -> None:
        self._log, self._steps, self._coder, self._drain = run_log, steps, coder, drain
        self.places = places
        self._execution = f"{self.name}:{owner}"
        self._allowed = allowed
        self.watched = not allowed
        self._held: dict[str, threading.Thread] = {}
        self._submitted: list[str] = []
        self._wake = threading.Event()

    def start(self) -> None:
        if self._allowed:
            threading.Thread(target=self._keep_looking, name="direct-engine", daemon=True).start()

    def available(self) -> bool:
        return self._allowed

    def has_room(self) -> bool:
        return self._allowed and len(self._held) + len(self._submitted) < self.places

    def submit(self, request: RunRequested) -> None:
        """This process takes the run, or another when this one has no room or dies."""
        self._submitted.append(request.run_id)
        self._wake.set()

    def standing(self, record: RunRecord) -> Standing:
        """Nobody has to be asked: processes that may drive runs take what has no lease as soon as they have room."""
        return "active" if self._allowed else "absent"

    def cancel(self, run_id: str) -> None:
        """Its step finds out by itself."""

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
                    self._take(self._log.queue.due(self.name, self.places))
            except (RedisError, OSError, LogFull) as error:
                log.warning("direct.redis_away", reason=cause(error))
            self._wake.wait(max(0.0, next_look - time.monotonic()))
            self._wake.clear()

    def _renew_leases(self) -> None:
        for run_id in list(self._held):
            with suppress(Refused):  # its runner notices by itself
                self._lease(run_id, LEASE_SECONDS)

    def _take(self, run_ids: list[str]) -> None:
        while run_ids and len(self._held) < self.places and not self._drain.started.is_set():
            run_id = run_ids.pop(0)
            try:
                if run_id not in self._held and self._lease(run_id, LEASE_SECONDS):
                    self._spawn(run_id)
            except RunMoved:
                pass  # the watch takes it out: it knows which queue it belongs in by now
            except Refused:
                self._log.queue.remove(self.name, run_id)

    def _lease(self, run_id: str, seconds: float) -> bool:
        """Whether the run is this process's for ``seconds``. Raises Refused where it has ended or moved."""
        ours = self._log.claim(run_id, self._execution, lease=seconds)
        # Either way somebody has it; look again when that lease has run out.
        with suppress(OutOfMemoryError):  # then it stays due, and is found held
            self._log.queue.renew(self.name, run_id, seconds)
        return ours

    def _spawn(self, run_id: str) -> None:
        thread = threading.Thread(target=self._drive, args=(run_id,), name=f"run-{run_id}", daemon=True)
        self._held[run_id] = thread
        thread.start()

    def _drive(self, run_id: str) -> None:
        try:
            self._execute(run_id)
        except (Interrupted, LogUnavailable, *AWAY) as error:
            log.info("run.handed_over", run_id=run_id, reason=str(error))
            self._release(run_id)
        except Refused as error:
            log.info("run.stopped", run_id=run_id, reason=str(error))
            if not isinstance(error, AttemptStale | RunMoved):
                self._coder.clean_up(run_id)
        except Exception as error:
            log.exception("run.crashed", run_id=run_id)
            with suppress(*AWAY, Refused, LogUnavailable):
                self._fail(run_id, PermanentError(f"Internal error: {error}"))
        finally:
            self._coder.leave(run_id)
            self._held.pop(run_id, None)
            self._wake.set()

    def _execute(self, run_id: str) -> None:
        started = time.monotonic()
        record = patiently(self._log.record, run_id)
        step = DirectStep(self._steps, run_id, self._execution)
        try:
            result = self._coder.run(record, step)
            patiently(self._log.complete, run_id, result, self._execution)
        except PermanentError as error:
            self._fail(run_id, error)
        log.info("run.finished", run_id=run_id, seconds=round(time.monotonic() - started, 1))
        self._coder.clean_up(run_id)

    def _fail(self, run_id: str, error: PermanentError) -> None:
        patiently(self._log.fail, run_id, str(error), end_code(error), execution=self._execution)

    def _release(self, run_id: str) -> None:
        """Let another process have the run at once instead of when the lease ends."""
        try:
            self._lease(run_id, 0.001)
        except (*AWAY, Refused):
            pass  # the lease ends by itself
