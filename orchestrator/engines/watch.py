"""Finds runs at Inngest that nothing moves any more and ends them: every run gets its one terminal event.

One process at a time sweeps, by a lease. Runs of the direct engine need no sweep: their leases bring them back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError

from orchestrator.drain import Drain
from orchestrator.engines.inngest.engine import InngestEngine, Standing
from orchestrator.events import EndCode, RunRequested, now_ms
from orchestrator.runlog import LogFull, RunLog, RunMissing, RunRecord
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import DIRECT_RUNS, INNGEST_RUNS, SWEEP_LEASE

SWEEP_SECONDS: Final = 2.0
LEASE_MS: Final = 10_000
AGAIN_MS: Final = 5_000
"""When a run that is in order is looked at next."""

GRACE_SECONDS: Final = 30.0
"""How much longer than its time a run may take: its own steps notice the time-out first."""

BATCH: Final = 50

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SweepLimits:
    """Seconds from a run's creation until Inngest must have started it, and until it must be over."""

    pickup: float
    run: float

    def verdict(self, standing: Standing, age: float) -> tuple[EndCode, str] | None:
        """How to end a run of this age (in seconds) that has not ended here, or None."""
        if standing == "cancelled":
            return "cancelled", "The run was cancelled at Inngest"
        if standing in ("complete", "failed"):
            return "lost", f"Inngest says that the run is {standing}, but its end never arrived here"
        if standing == "absent" and age > self.pickup:
            return "lost", "Inngest does not run it: it never started the run, or has forgotten it"
        if age > self.run + GRACE_SECONDS:
            return "timeout", "The run took longer than it may"
        return None


def _was_sent(record: RunRecord) -> bool:
    """Not where the process that took the POST died before it had Inngest's answer."""
    return "inngestEvent" in record.fields or "claimed" in record.fields


class Sweep:
    """``send`` hands a run's event to Inngest (again)."""

    def __init__(
        self,
        redis: Client,
        run_log: RunLog,
        inngest: InngestEngine,
        send: Callable[[RunRequested], None],
        drain: Drain,
        *,
        owner: str,
        limits: SweepLimits,
    ) -> None:
        self._redis, self._log, self._inngest, self._send, self._drain = redis, run_log, inngest, send, drain
        self._owner, self._limits = owner, limits

    def start(self) -> None:
        """Sweep from now on, in the background. Call once, after the fork."""
        threading.Thread(target=self._keep_sweeping, name="sweep", daemon=True).start()

    def _keep_sweeping(self) -> None:
        while not self._drain.started.wait(SWEEP_SECONDS):
            try:
                if self._my_turn():
                    self.sweep()
            except (RedisError, OSError, LogFull) as error:
                log.warning("sweep.redis_away error=%r", error)

    def _my_turn(self) -> bool:
        if self._redis.set(SWEEP_LEASE, self._owner, nx=True, px=LEASE_MS):
            return True
        return bool(self._redis.get(SWEEP_LEASE) == self._owner.encode())

    def sweep(self) -> None:
        """Look at the runs that are due."""
        for name in self._redis.zrangebyscore(INNGEST_RUNS, "-inf", now_ms(), start=0, num=BATCH):
            run_id = name.decode()
            try:
                over = self._settle(self._log.record(run_id))
            except RunMissing:
                over = True
            if over:
                self._redis.zrem(INNGEST_RUNS, run_id)
            else:
                self._redis.zadd(INNGEST_RUNS, {run_id: now_ms() + AGAIN_MS})

    def _settle(self, record: RunRecord) -> bool:
        """Whether the run needs no more looking at."""
        if record.ended:
            return True
        if record.fields.get("engine") == "direct":
            # Whoever claimed it may have died before handing it in.
            self._redis.zadd(DIRECT_RUNS, {record.run_id: now_ms()}, nx=True)
            return True
        age = (now_ms() - (record.time("createdAt") or 0)) / 1000
        if not _was_sent(record) and age < 2 * self._limits.pickup:
            self._send(record.request)
            return False
        verdict = self._limits.verdict(self._standing(record), age)
        if verdict is None:
            return False
        code, message = verdict
        log.warning("sweep.ended run_id=%s code=%s", record.run_id, code)
        self._log.fail(record.run_id, message, code, receipt=True)
        return True

    def _standing(self, record: RunRecord) -> Standing:
        _, _, inngest_run = record.fields.get("claimed", "").partition("inngest:")
        return self._inngest.standing(record.fields.get("inngestEvent"), inngest_run or None)
