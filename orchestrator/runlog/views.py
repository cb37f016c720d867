"""What a run or a project holds, looked at without loading it: names, sizes and hashes, and contents as asked for."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from agent.entries import LeftOut, Mark, Marks

MOST_LINKS: Final = 8
"""Links that lead to each other."""


@dataclass(frozen=True)
class FilesView:
    """One state. ``marks``: all entries by path, ``left_out``: what was there and not kept."""

    marks: Marks
    _own: frozenset[str]
    _read_own: Callable[[Sequence[str]], Mapping[str, bytes]]
    _read_hashes: Callable[[Sequence[str]], Mapping[str, bytes]]
    left_out: list[LeftOut] = field(default_factory=list)

    @cached_property
    def files(self) -> Mapping[str, Mark]:
        """Files and links, sorted by path."""
        return {path: mark for path, mark in self.marks.items() if mark.kind != "folder"}

    @property
    def plain(self) -> list[str]:
        """Paths of the files that are no links."""
        return [path for path, mark in self.marks.items() if mark.is_file]

    def resolve(self, path: str) -> str | None:
        """The file that ``path`` is, or leads to by links in its last part; None where there is none."""
        for _ in range(MOST_LINKS):
            mark = self.marks.get(path)
            if mark is None or mark.kind != "link":
                return path if mark is not None and mark.is_file else None
            path = posixpath.normpath(posixpath.join(posixpath.dirname(path), mark.target))
        return None

    def read(self, path: str) -> bytes:
        """The content of a file, or a link's target. Raises KeyError, also where it has expired meanwhile."""
        return self.read_all([path])[path]

    def read_all(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Contents of files and links that are there; see ``agent.entries.batches``."""
        marks = {path: mark for path in paths if (mark := self.marks.get(path)) and mark.kind != "folder"}
        files = [path for path, mark in marks.items() if mark.is_file]
        own = self._read_own([path for path in files if path in self._own])
        below = self._read_hashes([marks[path].hash for path in files if path not in own])
        contents = {path: mark.target.encode() for path, mark in marks.items() if mark.kind == "link"}
        contents |= {path: below[marks[path].hash] for path in files if marks[path].hash in below}
        return contents | dict(own)
