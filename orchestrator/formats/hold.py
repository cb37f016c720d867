"""Holds what a step makes until the step can no longer be undone, for clients that cannot take anything back.

The log has no word for "committed": a step is, once another one has made something, or the run has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from orchestrator.formats.history import CONTENT, Event, is_discarded

RELEASING: Final = frozenset({"complete", "error", "approval-request", "approval-answer"})
"""Nothing may wait longer: the run is over, or waits for somebody who has to see what for. Neither is ever undone."""


class Hold:
    """``release`` takes events as they come and returns those to show now, never a rollback."""

    def __init__(self) -> None:
        self._held: list[Event] = []

    def release(self, event: Event) -> Iterable[Event]:
        if event["type"] == "rollback":
            self._held = [held for held in self._held if not is_discarded(held, event["data"])]
            return ()
        if event["type"] in RELEASING:
            return [*self._take(), event]
        if event["type"] not in CONTENT:
            return (event,)
        done = self._take() if self._held and self._held[-1]["step"] != event["step"] else []
        self._held.append(event)
        return done

    def _take(self) -> list[Event]:
        held, self._held = self._held, []
        return held
