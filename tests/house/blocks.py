"""The commands that a Markdown page shows, and what it shows of their output."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ID = re.compile(r"run_[0-9a-f]{24}")
DIFFERS = re.compile(r"\d{2,}")  # times, sizes and all but the first event numbers differ from run to run


@dataclass
class Command:
    text: str
    shown: list[str] = field(default_factory=list)


def commands(page: str) -> list[Command]:
    """Of its `console` blocks what follows a `$`, of its `sh` blocks each line; `\\` goes on with the next line."""
    found: list[Command] = []
    for language, block in FENCED.findall(page):
        if language not in ("sh", "console"):
            continue
        for line in block.replace("\\\n", "").splitlines():
            if language == "sh" or line.startswith("$ "):
                found.append(Command(line.removeprefix("$ ")))
            elif line:
                found[-1].shown.append(line)
    return [command for command in found if command.text]


def as_shown(came: str, shown: list[str], known: dict[str, str]) -> bool:
    """Whether that is what came: `…` stands for anything, blank lines do not count.

    A run id on the page stands for one of the runs here, always the same: ``known`` gets those that are new.
    """
    names: list[str] = []
    pattern = "".join(_line(line, known, names) for line in shown)
    match = re.fullmatch(pattern, "".join(f"{line}\n" for line in came.splitlines() if line), re.DOTALL)
    if match:
        known.update((name, match[_group(name)]) for name in names)
    return match is not None


def _line(text: str, known: dict[str, str], names: list[str]) -> str:
    if text == "…":
        return r"(?:[^\n]*\n)*?"
    parts = re.split(f"({ID.pattern}|…|{DIFFERS.pattern})", text)
    return "".join(_part(part, known, names) for part in parts) + r"\n"


def _part(part: str, known: dict[str, str], names: list[str]) -> str:
    if part == "…":
        return r"[^\n]*"
    if not ID.fullmatch(part):
        return r"\d+" if DIFFERS.fullmatch(part) else re.escape(part)
    if part in known:
        return re.escape(known[part])
    if part in names:
        return f"(?P={_group(part)})"
    names.append(part)
    return f"(?P<{_group(part)}>{ID.pattern})"


def _group(name: str) -> str:
    return f"id_{name}"
