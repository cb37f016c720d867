"""A run's workspace against its stored files: put it back before a tool works in it, keep what the tool changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.entries import Changes, Entry, LeftOut, Stored, Tree, diff, marks
from agent.errors import TransientError
from agent.protocols import JSON, Emit, Sandbox

IGNORED: Final = frozenset(
    {".git", ".venv", "venv", "node_modules", "__pycache__", ".cache", ".npm", ".next", ".pytest_cache", ".mypy_cache"}
)
"""Folders that tools fill again by themselves."""
MAX_FILE: Final = 1_000_000
"""Bytes of one stored file. Files are kept in Redis and travel with each step."""
MAX_TOTAL: Final = 8_000_000
"""Bytes of all stored files together."""
MAX_FILES: Final = 500
MAX_DEPTH: Final = 24
"""Folders inside folders; keeps a hostile tree from costing more than it is worth."""
MAX_EVENT_CONTENT: Final = 65_536
"""Characters of a file's content in one event; a viewer reads the whole file from ``files`` at the end."""


@dataclass(frozen=True)
class Kept:
    """What a tool did to the workspace: the state to store, and ``left_out``: what is news among what is not kept."""

    stored: Stored
    changes: Changes
    left_out: Sequence[LeftOut]


def restore(sandbox: Sandbox, stored: Stored, check: Callable[[], None]) -> list[LeftOut]:
    """Make the kept part of the workspace equal to ``stored``; what is not kept is left alone.

    Undoes an attempt that was interrupted, and rebuilds a machine that was lost; returns what is not there any more.
    """
    found = sandbox.changes(marks(stored.tree), check)
    if not found.looked:
        return []
    if found.entries:
        put_back = {path: stored.tree.get(path) for path in found.entries}
        if failed := sandbox.write(put_back, check, replace=True):
            path, reason = next(iter(failed.items()))
            raise TransientError(f"the workspace could not be put back: {path}: {reason}")
    there = {item.path for item in found.left_out}
    return [item for item in stored.left_out if item.path not in there]


def keep(sandbox: Sandbox, before: Stored, emit: Emit) -> Kept:
    """Store and publish what differs from ``before``."""
    found = sandbox.changes(marks(before.tree), emit.check)
    if not found.looked:
        return Kept(before, found, [])
    after = Stored(_changed(before.tree, found), found.left_out)
    if changes := diff(before.encode(), after.encode()):
        emit.keep(changes)
    for path, entry in found.entries.items():
        if event := file_event(path, entry, before.tree.get(path), found.reasons.get(path)):
            emit(*event)
    known = {(item.path, item.reason) for item in before.left_out}
    return Kept(after, found, [item for item in found.left_out if (item.path, item.reason) not in known])


def text_of(content: bytes) -> str | None:
    """The content as text; ``None`` if it is binary."""
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def file_event(path: str, entry: Entry | None, before: Entry | None, reason: str | None) -> tuple[str, JSON] | None:
    """The event (type, data) that tells a viewer about one change; links and folders are none. ``size`` in bytes."""
    if entry is None or not entry.is_file:
        if before is None or not before.is_file:
            return None
        return "file-deleted", {"path": path} | ({"reason": reason} if reason else {})
    data: dict[str, JSON] = {"path": path, "content": "", "size": len(entry.content)}
    if entry.kind == "executable":
        data["executable"] = True
    text = text_of(entry.content)
    if text is None:
        data["binary"] = True
    else:
        data["content"] = text[:MAX_EVENT_CONTENT]
        if len(text) > MAX_EVENT_CONTENT:
            data["truncated"] = True
    return "file-updated" if before is not None and before.is_file else "file-created", data


def _changed(tree: Tree, found: Changes) -> Tree:
    after = {path: entry for path, entry in tree.items() if path not in found.entries}
    after |= {path: entry for path, entry in found.entries.items() if entry is not None}
    return dict(sorted(after.items()))
