"""A run's files as values: read the workspace into a dict, compare two of them, make the workspace equal to one.

What is not stored is left alone: folders that tools fill again by themselves, files too big to travel, and whatever
is more than a project of this kind should have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from agent import confined
from agent.protocols import JSON

IGNORED: Final = frozenset(
    {".git", ".venv", "venv", "node_modules", "__pycache__", ".cache", ".npm", ".next", ".pytest_cache", ".mypy_cache"}
)
MAX_FILE: Final = 1_000_000
"""Bytes of one stored file. Files are kept in Redis and travel with each step."""
MAX_TOTAL: Final = 8_000_000
"""Bytes of all stored files together."""
MAX_FILES: Final = 500
MAX_DEPTH: Final = 24
"""Folders inside folders; keeps a hostile tree from costing more than it is worth."""
MAX_EVENT_CONTENT: Final = 65_536
"""Characters of a file's content in one event; a viewer reads the whole file from ``files`` at the end."""

Files = dict[str, bytes]
Changes = dict[str, bytes | None]


def snapshot(root: Path, known: Collection[str] = ()) -> Files:
    """The storable files below ``root``. Paths in ``known`` come first, so that a cap never pushes one of them out."""
    paths = sorted(confined.walk(root, IGNORED, MAX_DEPTH), key=lambda path: (path not in known, path))
    files: Files = {}
    room = MAX_TOTAL
    for path in paths:
        content = _content(root, path)
        if content is not None and len(content) <= room and len(files) < MAX_FILES:
            files[path] = content
            room -= len(content)
    return files


def diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Changes:
    """What leads from ``before`` to ``after``, sorted by path; ``None``: deleted."""
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path: after.get(path) for path in sorted(changed)}


def sync(root: Path, files: Mapping[str, bytes]) -> None:
    """Make the storable files below ``root`` exactly ``files``, touching only those that differ."""
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    apply(root, diff(snapshot(root, files), files))


def apply(root: Path, changes: Mapping[str, bytes | None]) -> None:
    """Write and delete files below ``root``; links and folders in the way of a file are removed."""
    for path, content in changes.items():
        if content is None:
            confined.delete(root, path)
        else:
            confined.replace(root, confined.checked(path), content)


def text_of(content: bytes) -> str | None:
    """The content as text; ``None`` if it is binary."""
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def file_event(path: str, content: bytes | None, is_new: bool) -> tuple[str, JSON]:
    """The event (type, data) that tells a viewer about one change. ``size`` is in bytes."""
    if content is None:
        return "file-deleted", {"path": path}
    data: dict[str, JSON] = {"path": path, "content": "", "size": len(content)}
    text = text_of(content)
    if text is None:
        data["binary"] = True
    else:
        data["content"] = text[:MAX_EVENT_CONTENT]
        if len(text) > MAX_EVENT_CONTENT:
            data["truncated"] = True
    return "file-created" if is_new else "file-updated", data


def _content(root: Path, path: str) -> bytes | None:
    try:
        return confined.read(root, path, MAX_FILE)
    except OSError:
        return None  # deleted meanwhile, or closed to us: not ours to store
