"""One run of a project at a time: a run that comes while another is unfinished waits, is refused, or replaces it.

A run that waits is stored like any other, with the engine ``held``. The watch gives it to a real one when all that came
before it have ended, so nothing is lost where the process that ended one of them dies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, Literal

from orchestrator.engines.dispatch import HELD, Dispatcher
from orchestrator.logs import get_logger
from orchestrator.runlog import NOBODY, Beat, Refused, RunLog

OnConflict = Literal["queue", "reject", "cancel"]

BEAT_MS: Final = 60_000
"""How often a run that waits is kept alive."""

ARRIVING_MS: Final = 5_000
"""A run that joined the line this recently may not be stored yet."""

log = get_logger(__name__)


class ProjectBusy(Exception):
    """Another run of the project is unfinished, and the caller did not want to wait; ``run_id`` is that one."""

    def __init__(self, run_id: str) -> None:
        super().__init__("another run of this project is unfinished")
        self.run_id = run_id


class Turns:
    def __init__(self, run_log: RunLog, dispatcher: Dispatcher) -> None:
        self._log, self._dispatcher = run_log, dispatcher

    def join(self, project_id: str, run_id: str, on_conflict: OnConflict, cancel: Callable[[str], object]) -> list[str]:
        """Join the project's line; returns the runs that have to end first. Raises ProjectBusy."""
        before = self.unfinished(self._log.line.join(project_id, run_id))
        if before and on_conflict == "reject":
            self._log.line.leave(project_id, run_id)
            raise ProjectBusy(before[0])
        if before and on_conflict == "cancel":
            for each in before:
                with suppress(Refused):
                    cancel(each)
            return []
        return before

    def unfinished(self, joined: Mapping[str, int]) -> list[str]:
        """Which of these runs, in the order in which they joined their line, have not ended or may yet be stored."""
        if not joined:
            return []
        now, beats = self._log.beats(joined)
        return [each for each, beat in beats.items() if beat or now - joined[each] < ARRIVING_MS]

    def look(self) -> None:
        """Start the runs whose turn has come."""
        now, beats = self._log.beats(self._log.queue.all(HELD))
        for run_id, beat in beats.items():
            if beat is None or beat.engine != HELD:
                if run_id in self._log.queue.due(HELD, len(beats)):  # one that is not due may be about to be stored
                    self._log.queue.remove(HELD, run_id)
            elif self._is_first(beat, now):
                with suppress(Refused):
                    self._dispatcher.release(beat, "The runs before it have ended")
            elif now - beat.at > BEAT_MS:
                with suppress(Refused):
                    self._log.rest(run_id, NOBODY, 0)

    def _is_first(self, beat: Beat, now: int) -> bool:
        joined = self._log.line.join(beat.project_id, beat.run_id)
        _, before = self._log.beats(joined)
        for run_id, other in before.items():
            if other or now - joined[run_id] < ARRIVING_MS:
                return False
            self._log.line.leave(beat.project_id, run_id)  # whoever ended it did not come to that
        return True
