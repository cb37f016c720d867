"""Runs that wait for their user: given to an engine when they have their answer, ended when that takes too long.

Whoever takes an answer gives the run to an engine at once; here is what holds where that process died.
"""

from __future__ import annotations

from contextlib import suppress

from orchestrator.engines.dispatch import Dispatcher
from orchestrator.runlog import Beat, Refused, RunLog
from orchestrator.runlog.approvals import WAITING

ANSWERED = "Its user has answered"


class WaitingRuns:
    """``timeout``: seconds that a run waits for its user."""

    def __init__(self, run_log: RunLog, dispatcher: Dispatcher, timeout: float) -> None:
        self._log, self._dispatcher, self._timeout = run_log, dispatcher, timeout

    def go_on(self, run_id: str) -> None:
        """Give the run to an engine, if it has its answer and waits. Raises redis' errors."""
        beat = self._log.beat(run_id)
        if beat is not None:
            self._settle(beat, beat.at)

    def look(self) -> None:
        """Look at all of them once."""
        now, beats = self._log.beats(self._log.queue.all(WAITING))
        for run_id, beat in beats.items():
            if beat is None:
                self._log.queue.remove(WAITING, run_id)
            elif beat.engine != WAITING:
                self._log.queue.reserve(beat.engine, run_id, 0)
                self._log.queue.remove(WAITING, run_id)
            else:
                self._settle(beat, now)

    def _settle(self, beat: Beat, now: int) -> None:
        with suppress(Refused):  # it has ended meanwhile
            if beat.engine == WAITING and beat.waits_for is None:
                self._dispatcher.release(beat, ANSWERED)
            elif beat.engine == WAITING and now - beat.at > self._timeout * 1000:
                why = f"Nobody has answered {beat.waits_for} in time (AGENT_APPROVAL_TIMEOUT)"
                self._log.fail(beat.run_id, why, "timeout", receipt=True)
