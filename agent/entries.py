"""What a workspace holds, as values: entries with their content, and the marks by which they are known without it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from agent.inside.wire import fingerprint_of
from agent.pace import EVERY, Pace

Kind = Literal["file", "executable", "link", "folder"]

BATCH: Final = 1_000_000
"""Bytes of content that are read or sent at a time; for about so long the database does nothing else."""


class Mark(NamedTuple):  # a tuple: thousands of them are made in each step
    """What is known of an entry without its content.

    ``size`` in bytes, ``hash`` the content's SHA-256 in hex, ``target`` a link's content.
    """

    kind: Kind
    size: int
    hash: str
    target: str = ""

    @property
    def is_file(self) -> bool:
        return self.kind in ("file", "executable")

    @property
    def fingerprint(self) -> bytes:
        return fingerprint_of(self.kind, bytes.fromhex(self.hash))


@dataclass(frozen=True)
class Entry:
    """A file, a symbolic link (``content``: its target) or an empty folder."""

    content: bytes = b""
    kind: Kind = "file"

    @property
    def is_file(self) -> bool:
        return self.kind in ("file", "executable")

    @property
    def mark(self) -> Mark:
        target = self.content.decode() if self.kind == "link" else ""
        return Mark(self.kind, len(self.content), sha256(self.content), target)

    @property
    def fingerprint(self) -> bytes:
        return self.mark.fingerprint


Tree = dict[str, Entry]
Marks = dict[str, Mark]


@dataclass(frozen=True)
class LeftOut:
    """Something that is in the workspace and is not kept; ``count`` above 1: so many in the folder ``path``."""

    path: str
    size: int
    reason: str
    count: int = 1


@dataclass(frozen=True)
class Changes:
    """What differs from a known state: new contents (``None``: gone), and all that is there and not kept."""

    entries: dict[str, Entry | None] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why an entry that is still there is not kept any more."""
    looked: bool = True
    """False: nothing can have changed since the last look, so this says nothing about ``left_out``."""


@dataclass(frozen=True)
class Stored:
    """What a store holds of a workspace; the contents stay there."""

    tree: Marks = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def files(self) -> Marks:
        """The files alone."""
        return {path: mark for path, mark in self.tree.items() if mark.is_file}


def marked(tree: Mapping[str, Entry]) -> Marks:
    """The marks of entries."""
    return {path: entry.mark for path, entry in tree.items()}


def fingerprints(tree: Mapping[str, Mark | Entry]) -> dict[str, bytes]:
    """What ``Sandbox.changes`` is told of a known state."""
    pace, found = Pace(), {}
    for path, each in tree.items():
        found[path] = each.fingerprint
        pace()
    return found


def digest(known: Mapping[str, bytes]) -> str:
    """One name for a whole state, given as its fingerprints."""
    sums, pace = hashlib.sha256(), Pace()
    for path, mark in sorted(known.items()):
        sums.update(path.encode() + b"\0" + mark)
        pace()
    return sums.hexdigest()


def batches(sizes: Mapping[str, int], most: int = BATCH) -> Iterator[Sequence[str]]:
    """The names of ``sizes``, in portions of up to ``most`` bytes; what is larger comes alone."""
    batch: list[str] = []
    room = most
    for name, size in sizes.items():
        if batch and size > room:
            yield batch
            batch, room = [], most
        batch.append(name)
        room -= size
    if batch:
        yield batch


def sha256(content: bytes) -> str:
    sums, pace = hashlib.sha256(), Pace()
    for at in range(0, len(content), EVERY):
        piece = memoryview(content)[at : at + EVERY]
        sums.update(piece)
        pace(len(piece))
    return sums.hexdigest()
