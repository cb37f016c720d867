"""Events of one run that arrived together."""

from __future__ import annotations

from orchestrator.hub.frames import Framer


class Batch:
    """Events with consecutive ids from ``first``; shared by all viewers of the run, framed once per wire format."""

    __slots__ = ("_framed", "events", "first", "last", "size")

    def __init__(self, first: int, events: list[bytes]) -> None:
        self.first, self.events = first, events
        self.last = first + len(events) - 1
        self.size = sum(map(len, events))
        self._framed: dict[Framer, bytes] | None = None

    def after(self, cursor: int, framer: Framer) -> bytes:
        """The frames of those with an id above ``cursor``."""
        if cursor >= self.first:
            return framer(cursor + 1, self.events[cursor + 1 - self.first :])
        if self._framed is None:
            self._framed = {}
        if framer not in self._framed:
            self._framed[framer] = framer(self.first, self.events)
        return self._framed[framer]
