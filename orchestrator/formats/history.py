"""What stands of a run: its events without the ones that were rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Event = dict[str, Any]
"""An event as it was stored; see orchestrator.event_types."""

PIECES: Final = frozenset({"text", "reasoning"})
"""Types whose events join; they are kept as one, for they are most of a log."""

CONTENT: Final = PIECES | {
    "tool-call",
    "tool-output",
    "tool-result",
    "file-created",
    "file-updated",
    "file-deleted",
    "files",
    "approval-request",
    "approval-answer",
}
"""Types that are part of what a step made. The rest (status, progress, …) tell how the run is going."""


class History:
    """A run's events so far. A rollback takes out what it names and is not kept itself."""

    def __init__(self) -> None:
        self._kept: list[Event] = []
        self._pieces: list[list[str]] = []
        """Beside each kept event: the pieces of its text."""

    def add(self, event: Event) -> None:
        if event["type"] == "rollback":
            kept = [number for number, old in enumerate(self._kept) if not is_discarded(old, event["data"])]
            self._kept, self._pieces = [self._kept[n] for n in kept], [self._pieces[n] for n in kept]
        elif event["type"] in PIECES and self._continues(event):
            self._pieces[-1].append(event["data"])
        else:
            self._kept.append(event)
            self._pieces.append([event["data"]] if event["type"] in PIECES else [])

    def __iter__(self) -> Iterator[Event]:
        for event, pieces in zip(self._kept, self._pieces, strict=True):
            yield {**event, "data": "".join(pieces)} if len(pieces) > 1 else event

    def _continues(self, event: Event) -> bool:
        last = self._kept[-1] if self._kept else None
        # A rollback takes whole attempts, so pieces of one attempt stay or go together.
        return last is not None and all(last.get(name) == event.get(name) for name in ("type", "step", "attempt"))


def is_discarded(event: Event, rollback: dict[str, Any]) -> bool:
    """Whether the rollback (its data) takes this event back: it belongs to that step and has one of those ids.

    What others wrote meanwhile stays.
    """
    is_within: bool = rollback["fromId"] <= event.get("id", 0) <= rollback["toId"]
    return is_within and event.get("step") == rollback["step"]
