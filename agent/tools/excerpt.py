"""How a part of a text is shown: the two ends of a long one, lines with their numbers."""

from __future__ import annotations

from collections.abc import Sequence


class HeadAndTail:
    """Takes text in pieces and keeps at most ``limit`` characters: the beginning, and the end where errors stand."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head = ""
        self._tail = ""
        self._dropped = 0

    def add(self, piece: str) -> None:
        room = self._half - len(self._head)
        self._head += piece[:room]
        rest = self._tail + piece[room:]
        self._tail = rest[-self._half :]
        self._dropped += len(rest) - len(self._tail)

    def text(self) -> str:
        if not self._dropped:
            return self._head + self._tail
        return f"{self._head}\n[… {self._dropped} characters left out …]\n{self._tail}"


def numbered(lines: Sequence[str], first: int) -> str:
    """Lines with their numbers in front, as all tools show them."""
    return "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(lines, start=first))
