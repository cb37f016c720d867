"""What a finished run is: its result, its title, and the framework its files show."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agent.entries import Marks, batches
from agent.messages import Done, FileMark, Outcome, RunRequest, RunResult, Usage
from agent.workspace import Read, text_of

MAX_FILES_EVENT: Final = 1_800_000
"""Bytes of all texts, escaped as JSON, and of the names of the rest, in the result, which is to stay below 2 MB with
all that it says beside them; Inngest takes 4 MB of a step."""
MAX_MANIFEST: Final = 1_000_000
"""Of these for names, sizes and hashes at the most: 5,000 files with paths of 100 characters."""
MARK_BYTES: Final = 100
"""Of a size and a hash as JSON."""
MAX_READ: Final = 16_000_000
"""Bytes of files that are looked at for texts; images in their thousands would all be read for nothing."""
MAX_TOLD_PROMPT: Final = 500
MAX_TOLD_SUMMARY: Final = 800
"""Characters of each in the history that a later run's model is shown."""
MAX_SUMMARY: Final = 20_000
"""Characters of the model's last words in the result; all of them have been streamed."""
MAX_MISSING: Final = 10_000
"""Characters of what is missing; a build's output is part of it."""
MAX_TITLE: Final = 80
"""Characters."""
MAX_LISTED: Final = 8

FRAMEWORK_SIGNS: Final = (
    ("nextjs", ("next.config.js", "next.config.mjs", "next.config.ts")),
    ("vite", ("vite.config.js", "vite.config.ts")),
    ("static", ("index.html",)),
    ("node", ("package.json",)),
)


def outcome(missing: str | None, *, has_changes: bool) -> Outcome:
    """How a run ended. One that made and changed nothing is never ``done``."""
    if missing:
        return "partial"
    return "done" if has_changes else "nothing-to-do"


@dataclass(frozen=True)
class Shown:
    """A run's files as its end tells of them: ``texts`` whole, the rest as marks, and how many not even by name."""

    texts: dict[str, str]
    manifest: dict[str, FileMark]
    framework: str
    unnamed: int = 0

    @property
    def left_out(self) -> list[str]:
        return list(self.manifest)


def result(
    request: RunRequest,
    end: Outcome,
    missing: str | None,
    summary: str,
    shown: Shown,
    sandbox_id: str,
    usage: Usage,
) -> RunResult:
    return RunResult(
        outcome=end,
        missing=_short(missing, MAX_MISSING) if missing else None,
        title=title(request.value),
        summary=_short(summary, MAX_SUMMARY),
        files=shown.texts,
        manifest=shown.manifest,
        unnamed=shown.unnamed,
        framework=shown.framework,
        sandbox_id=sandbox_id,
        usage=usage,
    )


def done(request: RunRequest, end: Outcome, summary: str) -> Done:
    """What later runs on the project are told of this one."""
    return Done(prompt=_short(request.value, MAX_TOLD_PROMPT), outcome=end, summary=_short(summary, MAX_TOLD_SUMMARY))


def shown(files: Marks, read: Read) -> Shown:
    """As many whole texts, by path, as fit beside the names of the rest, in MAX_FILES_EVENT bytes together."""
    costs = {path: len(json.dumps(path)) + MARK_BYTES for path in files}
    room = MAX_FILES_EVENT - min(sum(costs.values()), MAX_MANIFEST)
    texts: dict[str, str] = {}
    small = {path: mark.size for path, mark in sorted(files.items()) if mark.size <= room}
    unread = MAX_READ
    for paths in batches(small):
        if room <= 0 or unread <= 0:
            break
        for path, content in read(paths).items():
            unread -= len(content)
            text = text_of(content)
            if text is not None and (size := len(json.dumps(text))) <= room:
                texts[path] = text
                room -= size
    rest = sorted(files.keys() - texts.keys())
    named = _within(rest, costs, MAX_MANIFEST)
    manifest = {path: FileMark(size=files[path].size, hash=files[path].hash) for path in named}
    return Shown(texts, manifest, framework(files), len(rest) - len(named))


def _within(paths: Sequence[str], costs: Mapping[str, int], room: int) -> list[str]:
    named = []
    for path in paths:
        room -= costs[path]
        if room < 0:
            break
        named.append(path)
    return named


def _short(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def listed(paths: Sequence[str]) -> str:
    """A few of ``paths``, and how many more there are."""
    more = len(paths) - MAX_LISTED
    return ", ".join([*paths[:MAX_LISTED], *([f"and {more} more"] if more > 0 else [])])


def title(value: str) -> str:
    """The first line of the prompt, as a heading."""
    line = next((line.strip() for line in value.splitlines() if line.strip()), "Untitled")
    line = _short(line, MAX_TITLE)
    return line[0].upper() + line[1:]


def framework(files: Iterable[str]) -> str:
    """A guess from the files' names: ``nextjs``, ``vite``, ``static``, ``node``, ``python`` or ``unknown``."""
    names = {path.rsplit("/", 1)[-1] for path in files}
    for name, signs in FRAMEWORK_SIGNS:
        if names.intersection(signs):
            return name
    return "python" if any(name.endswith(".py") for name in names) else "unknown"
