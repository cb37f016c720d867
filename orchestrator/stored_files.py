"""What a run or a project holds, looked at without loading it: names, sizes and hashes, and one file at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from agent.entries import Stored
from orchestrator.runlog import RunLog


@dataclass(frozen=True)
class StoredFile:
    """``size`` in bytes, ``hash`` the SHA-256 of the content in hex; a link's content is its target."""

    kind: Literal["file", "executable", "link"]
    size: int
    hash: str


@dataclass(frozen=True)
class FilesView:
    """One state; ``files``: path → what is there, sorted by path (no folders)."""

    files: Mapping[str, StoredFile]
    _load: Callable[[str], bytes]

    def read(self, path: str) -> bytes:
        """The content of one of ``files``. Raises KeyError, also where it has expired meanwhile."""
        if path not in self.files:
            raise KeyError(path)
        return self._load(path)


class StoredFiles:
    """All methods raise redis' errors."""

    def __init__(self, log: RunLog) -> None:
        self._log = log

    def of_run(self, run_id: str) -> FilesView:
        """As the run's last finished step left them; empty where nothing is stored of it."""
        return _view(self._log.files(run_id))

    def of_project(self, project_id: str) -> FilesView:
        """As the last run that was saved left them; empty for a project that is not there."""
        return _view(self._log.projects.read(project_id))


def _view(stored: Mapping[str, bytes]) -> FilesView:
    tree = Stored.decode(stored).tree
    files = {
        path: StoredFile(entry.kind, len(entry.content), hashlib.sha256(entry.content).hexdigest())
        for path, entry in sorted(tree.items())
        if entry.kind != "folder"
    }
    return FilesView(files, lambda path: tree[path].content)
