"""What is not kept, as a short list, however much it is."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = 12
"""Paths named for one reason; the rest is counted by the folder at the top."""
FOLDERS = 8
"""Folders at the top counted by name for one reason; the rest is counted together."""


class Leftovers:
    def __init__(self) -> None:
        self._named: list[tuple[str, int, int, str]] = []
        self._names_of: dict[str, int] = {}
        self._counted: dict[str, dict[str, list[int]]] = {}

    def add(self, path: str, size: int, reason: str) -> None:
        """``size`` in bytes."""
        if self._names_of.get(reason, 0) < NAMED:
            self._names_of[reason] = self._names_of.get(reason, 0) + 1
            self._named.append((path, 1, size, reason))
            return
        folders = self._counted.setdefault(reason, {})
        top = path.partition("/")[0] + "/*" if "/" in path else "*"
        if top not in folders and len(folders) >= FOLDERS:
            top = "**"
        sums = folders.setdefault(top, [0, 0])
        sums[0] += 1
        sums[1] += size

    def all(self) -> Iterator[tuple[str, int, int, str]]:
        """``(path, count, size, reason)``; ``big/*`` stands for ``count`` more entries somewhere below ``big``."""
        yield from self._named
        for reason, folders in self._counted.items():
            for top, (count, size) in folders.items():
                yield top, count, size, reason
