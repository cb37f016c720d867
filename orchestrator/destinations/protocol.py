"""What a destination is, and what it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

LetterType = Literal["run.complete", "run.error"]


@dataclass(frozen=True)
class Letter:
    """How a run ended. ``data`` of ``run.complete`` is that of the event ``complete``; of ``run.error`` the ``error``
    in words and its ``code``. Secrets are masked in it.
    """

    type: LetterType
    run_id: str
    project_id: str
    data: dict[str, Any]

    def key(self, destination: str) -> str:
        """Names this letter at this destination, the same whoever sends it again: a repeat can be dropped."""
        return f"{self.run_id}-{destination}"


class Destination(Protocol):
    name: str
    """As in its step's id and in letters' keys."""
    title: str
    """What people call it."""
    takes_errors: bool
    """Whether it wants to hear of runs that did not complete."""

    def send(self, letter: Letter) -> None:
        """Send once, within a few seconds. Returning means that it was taken.

        Raises ``TransientError`` where sending again may help (whether it was taken may be unknown then), and
        ``PermanentError`` where not; both in words that hold no secret.
        """
