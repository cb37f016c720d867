"""What a finished run is: its result, its title, and the framework its files show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from agent.messages import Outcome, RunRequest, RunResult, Usage
from agent.workspace import text_of

MAX_FILES_EVENT: Final = 2_000_000
"""Bytes of all texts, escaped as JSON, in the ``files`` event and the result; Inngest takes 4 MB of a step."""
MAX_TITLE: Final = 80
"""Characters."""
MAX_LISTED: Final = 8

FRAMEWORK_SIGNS: Final = (
    ("nextjs", ("next.config.js", "next.config.mjs", "next.config.ts")),
    ("vite", ("vite.config.js", "vite.config.ts")),
    ("html", ("index.html",)),
    ("node", ("package.json",)),
)


def outcome(missing: str | None, *, has_changes: bool) -> Outcome:
    """How a run ended. One that made and changed nothing is never ``done``."""
    if missing:
        return "partial"
    return "done" if has_changes else "nothing-to-do"


def result(
    request: RunRequest,
    end: Outcome,
    missing: str | None,
    summary: str,
    files: Mapping[str, bytes],
    texts: dict[str, str],
    sandbox_id: str,
    usage: Usage,
) -> RunResult:
    return RunResult(
        outcome=end,
        missing=missing,
        title=title(request.value),
        summary=summary,
        files=texts,
        framework=framework(files),
        sandbox_id=sandbox_id,
        usage=usage,
    )


def texts(files: Mapping[str, bytes]) -> tuple[dict[str, str], list[str]]:
    """The files that are text and fit the cap, and the paths of those left out."""
    shown: dict[str, str] = {}
    room = MAX_FILES_EVENT
    for path, content in sorted(files.items()):
        text = text_of(content)
        if text is not None and (size := len(json.dumps(text))) <= room:
            shown[path] = text
            room -= size
    return shown, sorted(files.keys() - shown.keys())


def listed(paths: Sequence[str]) -> str:
    """A few of ``paths``, and how many more there are."""
    more = len(paths) - MAX_LISTED
    return ", ".join([*paths[:MAX_LISTED], *([f"and {more} more"] if more > 0 else [])])


def title(value: str) -> str:
    """The first line of the prompt, as a heading."""
    line = next((line.strip() for line in value.splitlines() if line.strip()), "Untitled")
    line = line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"
    return line[0].upper() + line[1:]


def framework(files: Mapping[str, bytes]) -> str:
    """A guess from the files' names: ``nextjs``, ``vite``, ``html``, ``node``, ``python`` or ``unknown``."""
    names = {path.rsplit("/", 1)[-1] for path in files}
    for name, signs in FRAMEWORK_SIGNS:
        if names.intersection(signs):
            return name
    return "python" if any(name.endswith(".py") for name in names) else "unknown"
