"""A state of files as a value: what it changes over another one. The contents lie elsewhere, under their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from agent.entries import LeftOut, Mark, Marks, sha256
from agent.pace import Pace

NOTHING: Final = "-"
"""The name of the state without files, which is stored nowhere."""

EXECUTABLE: Final = "x"
WHOLE_SHARE: Final = 2
"""A state that changes half of the one below it, or more, is stored as a whole."""


@dataclass(frozen=True)
class State:
    """``on``: the name of a whole state below; ``changes``: path → mark, None where that one's is gone."""

    on: str = NOTHING
    changes: Mapping[str, Mark | None] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def over(self, below: Mapping[str, Mark]) -> Marks:
        """All of it."""
        tree = {**below, **self.changes}
        return {path: mark for path, mark in sorted(tree.items()) if mark is not None}

    def hashes(self) -> set[str]:
        """The contents that it names itself."""
        return {mark.hash for mark in self.changes.values() if mark is not None and mark.is_file}

    def encode(self) -> bytes:
        kinds = {path: mark.kind for path, mark in self.changes.items() if mark is not None}
        fields = {
            "on": self.on if self.on != NOTHING else None,
            "files": {path: _file(mark) for path, mark in self.changes.items() if mark is not None and mark.is_file},
            "links": {path: mark.target for path, mark in self.changes.items() if mark and mark.kind == "link"},
            "folders": sorted(path for path, kind in kinds.items() if kind == "folder"),
            "gone": sorted(path for path, mark in self.changes.items() if mark is None),
            "leftOut": [[item.path, item.size, item.reason, item.count] for item in self.left_out],
        }
        return json.dumps({name: value for name, value in fields.items() if value}, sort_keys=True).encode()

    @classmethod
    def decode(cls, stored: bytes) -> State:
        fields: dict[str, Any] = json.loads(stored)
        changes: dict[str, Mark | None] = {}
        pace = Pace()
        for path, of in fields.get("files", {}).items():
            changes[path] = _mark(*of)
            pace()
        changes |= {path: _link(target) for path, target in fields.get("links", {}).items()}
        changes |= dict.fromkeys(fields.get("folders", ()), FOLDER)
        changes |= dict.fromkeys(fields.get("gone", ()))
        return cls(fields.get("on", NOTHING), changes, [LeftOut(*item) for item in fields.get("leftOut", ())])


def upon(base_name: str, base: State, tree: Mapping[str, Mark], changes: State) -> State:
    """The state that ``changes`` over ``base`` make, all of which is ``tree``: short where little has changed."""
    if base_name == NOTHING:
        on, changed = NOTHING, dict(changes.changes)
    elif base.on == NOTHING:
        on, changed = base_name, dict(changes.changes)
    else:
        on, changed = base.on, {**base.changes, **changes.changes}
    if on == NOTHING or len(changed) * WHOLE_SHARE >= len(tree):
        return State(NOTHING, dict(tree), changes.left_out)
    return State(on, changed, changes.left_out)


def name_of(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()


FOLDER: Final = Mark("folder", 0, sha256(b""))


def _file(mark: Mark) -> list[Any]:
    return [mark.size, mark.hash, *([EXECUTABLE] if mark.kind == "executable" else [])]


def _mark(size: int, hash: str, executable: str = "") -> Mark:
    return Mark("executable" if executable else "file", size, hash)


def _link(target: str) -> Mark:
    content = target.encode()
    return Mark("link", len(content), sha256(content), target)
