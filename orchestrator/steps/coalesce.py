"""Gathers streamed text, so that a fast model costs few round trips. Pure: no clock, no I/O of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

LARGEST_JOINED: Final = 16_384
"""Characters; what has grown to this is an event of its own, far below the size at which events are cut."""

STREAMED: Final = frozenset({"text", "reasoning", "tool-output"})


@dataclass
class Draft:
    """An event that is not stored yet and may still grow."""

    type: str
    data: Any

    def absorb(self, type: str, data: Any) -> bool:
        """Take up the next piece of the same stream; False where it is another event."""
        if type != self.type or type not in STREAMED:
            return False
        if type != "tool-output":
            if len(self.data) + len(data) > LARGEST_JOINED:
                return False
            self.data += data
            return True
        if len(self.data["chunk"]) + len(data["chunk"]) > LARGEST_JOINED:
            return False
        if any(self.data.get(name) != data.get(name) for name in ("source", "callId")):
            return False
        self.data = {**self.data, "chunk": self.data["chunk"] + data["chunk"]}
        return True


class Window:
    """How long streamed text may wait: not at all at first, then ``least``, doubling up to ``most`` as it goes on.

    A reader sees the first token at once; a long answer settles at a few writes a second. Times in seconds.
    """

    def __init__(self, least: float, most: float) -> None:
        self._least, self._most = least, max(least, most)
        self._width = 0.0
        self._opens = 0.0

    def due(self, now: float) -> float:
        """When what arrives at ``now`` must be sent."""
        if now - self._opens > self._most * 2:
            self._width = 0.0
        return max(now, self._opens + self._width)

    def sent(self, now: float, *, streamed: bool) -> None:
        """Something left at ``now``; after another event the next stream starts afresh."""
        self._opens = now
        self._width = min(max(self._least, self._width * 2), self._most) if streamed else 0.0
