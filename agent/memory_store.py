"""A ``ProjectStore`` in memory: what a database does elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.entries import Entry, LeftOut, Marks, Stored, Tree, marked
from agent.messages import Done


class MemoryStore:
    """``project``: what earlier runs left."""

    def __init__(self, project: Mapping[str, Entry] | None = None) -> None:
        self.project: Tree = dict(project or {})
        self.files: Tree = {}
        self.history: list[Done] = []
        self._base: Tree = {}
        self._left_out: list[LeftOut] = []

    def open_project(self) -> list[Done]:
        self._base, self.files = dict(self.project), dict(self.project)
        return list(self.history)

    def base(self) -> Marks:
        return marked(self._base)

    def state(self) -> Stored:
        return Stored(marked(self.files), list(self._left_out))

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        return {path: self.files[path].content for path in paths}

    def save_project(self, done: Done) -> None:
        self.project = dict(self.files)
        self.history.append(done)

    def apply(self, changes: Mapping[str, Entry | None], left_out: Sequence[LeftOut]) -> None:
        """What a finished step has kept."""
        for path, entry in changes.items():
            self.files.pop(path, None)
            if entry is not None:
                self.files[path] = entry
        self.files = dict(sorted(self.files.items()))
        self._left_out = list(left_out)
