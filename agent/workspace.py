"""A run's workspace against its stored files: put it back before a tool works in it, keep what the tool changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.entries import Changes, Entry, LeftOut, Marks, Stored, batches, fingerprints
from agent.errors import TransientError
from agent.protocols import JSON, LOST, Emit, Sandbox

IGNORED: Final = frozenset(
    {".git", ".venv", "venv", "node_modules", "__pycache__", ".cache", ".npm", ".next", ".pytest_cache", ".mypy_cache"}
)
"""Folders that tools fill again by themselves."""
MAX_FILE: Final = 1_000_000
"""Bytes of a file that a tool writes or edits by itself; commands may leave larger ones."""
MAX_EVENT_CONTENT: Final = 65_536
"""Characters of a file's content in one event; a viewer fetches the whole file."""
MAX_WRITTEN: Final = 8_000_000
"""Bytes that are put back at a time: each time starts the helper."""
MAX_CALL_CONTENT: Final = 1_000_000
"""Characters of content in the events of one tool call; what comes after them is only named."""

Read = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Gives the contents of stored files, by path."""


@dataclass(frozen=True)
class Room:
    """How much of a workspace is kept: files, bytes of one and of all, folders inside folders."""

    files: int = 5_000
    file: int = 5_000_000
    total: int = 100_000_000
    depth: int = 24
    """Keeps a hostile tree from costing more than it is worth."""


PUT_BACK: Final = f"{LOST}an attempt of a call was interrupted, and the files were put back to what they were before it"


@dataclass(frozen=True)
class Kept:
    """What a tool did to the workspace; ``left_out``: what is news among what is not kept."""

    changes: Changes
    left_out: Sequence[LeftOut]


@dataclass(frozen=True)
class Restored:
    """``gone``: was not kept and is not there any more. ``stopped``: background processes that had to go for it.

    ``is_worked_in``: nothing was put back, as background processes have gone on since the last call.
    """

    gone: Sequence[LeftOut] = ()
    stopped: Sequence[str] = ()
    is_worked_in: bool = False


def restore(sandbox: Sandbox, stored: Stored, read: Read, check: Callable[[], None]) -> Restored:
    """Make the kept part of the workspace equal to ``stored``; what is not kept is left alone.

    Undoes an attempt that was interrupted, and rebuilds a machine that was lost. What background processes have written
    since the last call is not undone: it is kept at the end of this one. Where files do have to be put back, such
    processes are stopped first, for none can go on over files that are exchanged beneath it.

    ``read`` gives the contents of stored files.
    """
    known = fingerprints(stored.tree)
    if sandbox.is_worked_in(known):
        return Restored(is_worked_in=True)
    found = sandbox.changes(known, check)
    if not found.looked:
        return Restored()
    stopped: list[str] = []
    if found.entries and (stopped := sandbox.background.stop_all(PUT_BACK)):
        found = sandbox.changes(known, check)
    away = {path: None for path in found.entries if path not in stored.tree}
    put(sandbox, away, check)  # first: it makes room
    sizes = {path: stored.tree[path].size for path in found.entries if path in stored.tree}
    for paths in batches(sizes, MAX_WRITTEN):
        put(sandbox, _entries(stored.tree, paths, read), check)
    there = {item.path for item in found.left_out}
    return Restored([item for item in stored.left_out if item.path not in there], stopped)


def keep(sandbox: Sandbox, before: Stored, emit: Emit) -> Kept:
    """Store and publish what differs from ``before``."""
    found = sandbox.changes(fingerprints(before.tree), emit.check)
    if not found.looked:
        return Kept(found, [])
    if found.entries or found.left_out != before.left_out:
        emit.keep(found.entries, found.left_out)
    room = MAX_CALL_CONTENT
    for path, entry in found.entries.items():
        was_file = path in before.tree and before.tree[path].is_file
        if event := file_event(path, entry, was_file, found.reasons.get(path), room):
            emit(*event)
            room -= len(event[1].get("content", ""))
    known = {(item.path, item.reason) for item in before.left_out}
    return Kept(found, [item for item in found.left_out if (item.path, item.reason) not in known])


def text_of(content: bytes) -> str | None:
    """The content as text; ``None`` if it is binary."""
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def file_event(
    path: str, entry: Entry | None, was_file: bool, reason: str | None, room: int = MAX_EVENT_CONTENT
) -> tuple[str, dict[str, JSON]] | None:
    """The event (type, data) that tells a viewer about one change; links and folders are none. ``size`` in bytes.

    ``room``: characters of content that it may hold at the most.
    """
    if entry is None or not entry.is_file:
        if not was_file:
            return None
        return "file-deleted", {"path": path} | ({"reason": reason} if reason else {})
    data: dict[str, JSON] = {"path": path, "content": "", "size": len(entry.content)}
    if entry.kind == "executable":
        data["executable"] = True
    text = text_of(entry.content)
    if text is None:
        data["binary"] = True
    else:
        most = min(room, MAX_EVENT_CONTENT)
        data["content"] = text[:most]
        if len(text) > most:
            data["truncated"] = True
    return "file-updated" if was_file else "file-created", data


def put(sandbox: Sandbox, entries: Mapping[str, Entry | None], check: Callable[[], None]) -> None:
    """Write entries (``None``: delete), all of them. Raises ``TransientError`` where one cannot be."""
    if entries and (failed := sandbox.write(entries, check, replace=True)):
        path, reason = next(iter(failed.items()))
        raise TransientError(f"the workspace could not be put back: {path}: {reason}")


def _entries(tree: Marks, paths: Sequence[str], read: Read) -> dict[str, Entry]:
    contents = read([path for path in paths if tree[path].is_file])
    return {path: Entry(contents.get(path, tree[path].target.encode()), tree[path].kind) for path in paths}
