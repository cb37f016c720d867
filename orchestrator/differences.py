"""What differs between two states of files, with unified diffs of texts, within bounds."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from agent.entries import Mark
from agent.workspace import text_of
from orchestrator.runlog.views import FilesView

MOST_TEXTS: Final = 200
"""Files whose diff is made; the others are named, with their sizes."""
MOST_TEXT: Final = 1_000_000
"""Bytes of a file whose diff is made."""
MOST_DIFF: Final = 200_000
"""Characters of one file's diff …"""
MOST_DIFFS: Final = 1_000_000
"""… and of all."""
DIFF_SECONDS: Final = 5.0
"""For one file; Python's own way to compare texts can take minutes, and holds up everybody meanwhile …"""
ALL_SECONDS: Final = 15.0
"""… and for all of them, while somebody waits."""
FOUND: Final = (0, 1)
"""What `diff` exits with: no difference, differences."""


@dataclass(frozen=True)
class Difference:
    """``diff``: unified; None with the reason in ``omitted``."""

    path: str
    change: Literal["added", "changed", "deleted"]
    before: Mark | None
    after: Mark | None
    diff: str | None = None
    omitted: str | None = None

    def shown(self) -> dict[str, Any]:
        sides = {"before": _shown(self.before), "after": _shown(self.after)}
        return {"path": self.path, "change": self.change, **sides, "diff": self.diff, "omitted": self.omitted}


def differences(before: FilesView, after: FilesView) -> Iterator[Difference]:
    """Files and links that were added, changed or deleted, by path. Raises redis' errors."""
    texts, room, give_up = MOST_TEXTS, MOST_DIFFS, time.monotonic() + ALL_SECONDS
    for path in sorted(before.files.keys() | after.files.keys()):
        old, new = before.files.get(path), after.files.get(path)
        if old == new:
            continue
        change: Literal["added", "changed", "deleted"] = (
            "added" if old is None else "deleted" if new is None else "changed"
        )
        diff, omitted = None, "the diff would be too long"
        if texts > 0 and room > 0:
            diff, omitted = _compare(path, before, after, min(room, MOST_DIFF), give_up - time.monotonic())
            texts -= 1
        room -= len(diff or "")
        yield Difference(path, change, old, new, diff, None if diff is not None else omitted)


def _shown(mark: Mark | None) -> dict[str, Any] | None:
    return None if mark is None else {"kind": mark.kind, "size": mark.size, "hash": mark.hash}


def _compare(path: str, before: FilesView, after: FilesView, room: int, seconds: float) -> tuple[str | None, str]:
    sides = {name: view.files.get(path) for name, view in (("a", before), ("b", after))}
    if any(mark is not None and mark.size > MOST_TEXT for mark in sides.values()):
        return None, "too large"
    contents = {
        name: view.read_all([path]).get(path) if sides[name] else b"" for name, view in (("a", before), ("b", after))
    }
    if any(content is None for content in contents.values()):
        return None, "not stored any more"
    if any(text_of(content) is None for content in contents.values() if content):
        return None, "binary"
    if sides["a"] is None or sides["b"] is None:
        diff: str | None = _one_sided(path, contents["a"] or contents["b"] or b"", is_new=sides["a"] is None)
    else:
        diff = _unified(path, contents, min(DIFF_SECONDS, seconds))
    if diff is None:
        return None, "it took too long to compare"
    return (diff, "") if len(diff) <= room else (None, "the diff would be too long")


def _one_sided(path: str, content: bytes, *, is_new: bool) -> str:
    """What `diff -u` says of a file that was not there before, or is not any more."""
    if not content:
        return ""
    lines = content.decode(errors="replace").removesuffix("\n").split("\n")
    where = "1" if len(lines) == 1 else f"1,{len(lines)}"
    head = (
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +{where} @@"
        if is_new
        else f"--- a/{path}\n+++ /dev/null\n@@ -{where} +0,0 @@"
    )
    sign = "+" if is_new else "-"
    end = "" if content.endswith(b"\n") else "\\ No newline at end of file\n"
    return "\n".join([head, *(sign + line for line in lines), end])


def _unified(path: str, contents: Mapping[str, bytes | None], seconds: float) -> str | None:
    """None where it takes longer than ``seconds``."""
    if seconds <= 0:
        return None
    with tempfile.TemporaryDirectory(prefix="runwire-diff-") as folder:
        for name, content in contents.items():
            (Path(folder) / name).write_bytes(content or b"")
        try:
            done = subprocess.run(
                ["diff", "-u", "--label", f"a/{path}", "--label", f"b/{path}", "a", "b"],
                cwd=folder,
                capture_output=True,
                timeout=seconds,
                check=False,
            )
        except (subprocess.TimeoutExpired, FileNotFoundError):
            return None
    return done.stdout.decode(errors="replace") if done.returncode in FOUND else None
