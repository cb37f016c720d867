"""How unfinished runs stand, by their beats alone: which stand still, which wait for a place. Pure.

A run's next beat may take as long as it says itself: a running step's lease, the pause before a retry, or
AGENT_STALL_SECONDS between two steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.destinations import STEP_PREFIX
from orchestrator.runlog import Beat

GRACE_SECONDS: Final = 30.0
"""How much longer than its time a run may take: its own steps notice the time-out first."""

WAITS_MS: Final = 3_000
"""A run that has done nothing for so long between two steps waits for something."""

SERVED_MS: Final = 5_000
"""A run that had a beat this recently counts as served: between two steps its place is empty for a moment."""


@dataclass(frozen=True)
class Scene:
    """The unfinished runs of one engine, which has ``places``; ``now`` in ms by Redis' clock."""

    now: int
    beats: Sequence[Beat]
    places: int

    @property
    def still(self) -> list[Beat]:
        """Runs whose beat has stopped for longer than it may."""
        return [beat for beat in self.beats if self.now > beat.at + beat.silence]

    @property
    def is_busy(self) -> bool:
        """Whether as many runs are served as may be: then another one waits its turn, and is not lost."""
        served = sum(self._is_served(beat) for beat in self.beats)
        return served >= self.places

    @property
    def waiting(self) -> list[Beat]:
        """Runs that stand between two steps, the one that waits longest first."""
        idle = [beat for beat in self.beats if beat.step is None and self.now - beat.at > WAITS_MS]
        return sorted(idle, key=lambda beat: (beat.at, beat.created))

    def _is_served(self, beat: Beat) -> bool:
        if beat.claimed is None:
            return False
        is_running = beat.step is not None and self.now <= beat.at + beat.silence
        return is_running or self.now - beat.at < SERVED_MS


def is_out_of_time(beat: Beat, now: int, run_timeout: float) -> bool:
    """Whether a run that stands still has taken longer than it may, in seconds; ``now`` as in ``Scene``.

    Never one whose result is on its way: its work is done, and the steps that are left are bounded by themselves.
    """
    is_delivering = (beat.step or beat.done_step or "").startswith(STEP_PREFIX)
    return not is_delivering and now - beat.created > (run_timeout + GRACE_SECONDS) * 1000


def worth_saying(before: int, said: int | None) -> bool:
    """Whether viewers should hear that ``before`` runs are before theirs, having heard ``said`` last."""
    return said is None or before * 2 <= said - 1
