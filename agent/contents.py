"""Files by path, whose contents are fetched one by one when somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent.entries import Marks
from agent.workspace import Read


class Contents(Mapping[str, bytes]):
    def __init__(self, files: Marks, read: Read) -> None:
        self._files, self._read = files, read

    def __getitem__(self, path: str) -> bytes:
        if path not in self._files:
            raise KeyError(path)
        return self._read([path])[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
