"""Looks after all unfinished runs: moves those that stand still to an engine that lives, and says why others wait.

One process at a time watches, by a lease. What stands still is judged by the runs' beats (``standstill.py``); where
it goes is decided by ``dispatch.py``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from redis.exceptions import RedisError

from orchestrator.drain import Drain
from orchestrator.engines.approvals import WaitingRuns
from orchestrator.engines.dispatch import Dispatcher
from orchestrator.engines.protocol import Engine
from orchestrator.engines.standstill import Scene, is_out_of_time, worth_saying
from orchestrator.engines.turns import Turns
from orchestrator.logs import get_logger
from orchestrator.runlog import Beat, LogFull, Refused, RunLog
from orchestrator.runlog.causes import cause
from orchestrator.runlog.lease import Lease
from orchestrator.steps.heart import BEAT_SECONDS

WATCH_SECONDS: Final = 1.0
LEASE_SECONDS: Final = 4.0
"""A watch that died is replaced before the silence of its own steps is too long."""

BLIND_SECONDS: Final = 3.0
"""A look this late means that this process stood still or Redis was away: then beats are missing, and nobody died."""

FREE_SECONDS: Final = 5.0
"""An engine with a free place for this long, which still leaves a run alone, has lost it."""

log = get_logger(__name__)


class Watch:
    """``run_timeout`` in seconds."""

    def __init__(
        self,
        run_log: RunLog,
        engines: Mapping[str, Engine],
        dispatcher: Dispatcher,
        turns: Turns,
        waiting: WaitingRuns,
        lease: Lease,
        drain: Drain,
        *,
        run_timeout: float,
    ) -> None:
        self._log, self._engines, self._dispatcher = run_log, engines, dispatcher
        self._turns, self._waiting = turns, waiting
        self._lease, self._drain = lease, drain
        self._run_timeout = run_timeout
        self._looked = self._sees_since = float("-inf")
        self._busy_at: dict[str, float] = {}

    def start(self) -> None:
        """Watch from now on, in the background. Call once, after the fork."""
        threading.Thread(target=self._keep_watching, name="watch", daemon=True).start()

    def _keep_watching(self) -> None:
        while not self._drain.started.wait(WATCH_SECONDS):
            try:
                if self._lease.mine():
                    self.look()
            except (RedisError, OSError, LogFull) as error:
                log.warning("watch.redis_away", reason=cause(error))
            except Exception:
                log.exception("watch.crashed")  # one run's trouble must not leave all the others alone

    def look(self) -> None:
        """Look at all unfinished runs once."""
        began = time.monotonic()
        if began - self._looked > BLIND_SECONDS:
            self._sees_since = began
        for name, engine in self._engines.items():
            now, beats = self._log.beats(self._log.queue.all(name))
            scene = Scene(now, [beat for beat in beats.values() if beat and beat.engine == name], engine.places)
            self._sort_out(name, beats)
            if scene.is_busy:
                self._busy_at[name] = began
                self._say_who_waits(scene, engine)
            # Steps beat every two seconds: when all could have done so, who has not is silent indeed.
            if engine.watched and began - self._sees_since > 2 * BEAT_SECONDS:
                self._look_at_still(scene, engine)
        self._turns.look()
        self._waiting.look()
        self._looked = time.monotonic()

    def _sort_out(self, name: str, beats: Mapping[str, Beat | None]) -> None:
        """Take out of this engine's queue what has ended or moved."""
        due = set(self._log.queue.due(name, len(beats)))
        for run_id, beat in beats.items():
            if beat is None and run_id in due:  # one that is not due may be about to be stored
                self._log.queue.remove(name, run_id)
            if beat is not None and beat.engine != name:
                self._log.queue.reserve(beat.engine, run_id, 0)
                self._log.queue.remove(name, run_id)

    def _look_at_still(self, scene: Scene, engine: Engine) -> None:
        for beat in scene.still:
            with suppress(Refused):  # it has ended meanwhile
                self._settle(beat, scene, engine)

    def _settle(self, beat: Beat, scene: Scene, engine: Engine) -> None:
        if is_out_of_time(beat, scene.now, self._run_timeout):
            self._log.fail(beat.run_id, "The run took longer than it may", "timeout", receipt=True)
            return
        if beat.step is not None:
            self._dispatcher.move(beat, f"Nothing is heard of step {beat.step} any more", answers=engine.available())
            return
        standing = engine.standing(self._log.record(beat.run_id))
        if standing == "cancelled":
            self._log.fail(beat.run_id, f"The run was cancelled at {engine.title}", "cancelled", receipt=True)
        elif standing == "untaken":
            self._dispatcher.start_again(beat)
        elif standing == "unknown":
            self._dispatcher.move(beat, f"{engine.title} does not answer any more", answers=False)
        elif standing != "active":
            self._dispatcher.move(beat, f"{engine.title} does not have the run any more", answers=True)
        elif time.monotonic() - self._busy_at.get(beat.engine, float("-inf")) > FREE_SECONDS:
            self._dispatcher.move(beat, f"{engine.title} does not go on with the run", answers=True)

    def _say_who_waits(self, scene: Scene, engine: Engine) -> None:
        for before, beat in enumerate(scene.waiting):
            at, _, said = beat.noted.partition(" ")
            heard = int(said) if at == str(beat.at) and said.isdigit() else None
            if worth_saying(before, heard):
                which = f"{before} runs are before this one" if before > 1 else "this run is among the next"
                self._log.note(
                    beat, f"Waiting for a place ({engine.title} serves {scene.places} at a time): {which}", str(before)
                )
