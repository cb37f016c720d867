"""What a workspace holds, as values, and how that is stored: a plain file's content under its path, the rest beside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from agent.inside.wire import fingerprint

Kind = Literal["file", "executable", "link", "folder"]

BESIDE: Final = "/"
"""The stored name, which no path can have, of what is no plain file's content; JSON."""


@dataclass(frozen=True)
class Entry:
    """A file, a symbolic link (``content``: its target) or an empty folder."""

    content: bytes = b""
    kind: Kind = "file"

    @property
    def is_file(self) -> bool:
        return self.kind in ("file", "executable")

    @property
    def fingerprint(self) -> bytes:
        return fingerprint(self.kind, self.content)


Tree = dict[str, Entry]


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
    """What a store holds of a workspace."""

    tree: Tree = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    @classmethod
    def decode(cls, stored: Mapping[str, bytes]) -> Stored:
        beside = json.loads(stored[BESIDE]) if BESIDE in stored else {}
        executable = set(beside.get("executable", ()))
        tree = {
            path: Entry(content, "executable" if path in executable else "file")
            for path, content in stored.items()
            if path != BESIDE
        }
        tree |= {path: Entry(target.encode(), "link") for path, target in beside.get("links", {}).items()}
        tree |= {path: Entry(kind="folder") for path in beside.get("folders", ())}
        return cls(tree, [LeftOut(*fields) for fields in beside.get("leftOut", ())])

    def encode(self) -> dict[str, bytes]:
        beside = {
            "executable": sorted(path for path, entry in self.tree.items() if entry.kind == "executable"),
            "links": {path: entry.content.decode() for path, entry in self.tree.items() if entry.kind == "link"},
            "folders": sorted(path for path, entry in self.tree.items() if entry.kind == "folder"),
            "leftOut": [[item.path, item.size, item.reason, item.count] for item in self.left_out],
        }
        stored = {path: entry.content for path, entry in self.tree.items() if entry.is_file}
        if any(beside.values()):
            stored[BESIDE] = json.dumps({name: value for name, value in beside.items() if value}).encode()
        return stored

    def files(self) -> dict[str, bytes]:
        """The files alone."""
        return {path: entry.content for path, entry in self.tree.items() if entry.is_file}


def marks(tree: Mapping[str, Entry]) -> dict[str, bytes]:
    """What ``Sandbox.changes`` is told of a known state."""
    return {path: entry.fingerprint for path, entry in tree.items()}


def digest(known: Mapping[str, bytes]) -> str:
    """One name for a whole state, given as its marks."""
    sums = hashlib.blake2b(digest_size=16)
    for path, mark in sorted(known.items()):
        sums.update(path.encode() + b"\0" + mark)
    return sums.hexdigest()


def diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """What leads from one stored state to another, sorted by path; ``None``: deleted."""
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path: after.get(path) for path in sorted(changed)}
