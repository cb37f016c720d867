"""``editFile``: replace one passage of a file, which must stand in it exactly once."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agent import paths, workspace
from agent.entries import Entry
from agent.protocols import Span, Unreadable
from agent.tools.base import Args, Context, Tool, ToolFailure
from agent.tools.excerpt import numbered

MAX_CANDIDATES: Final = 8
AROUND: Final = 3
"""Lines shown before and after what was changed."""
MAX_SHOWN: Final = 60
"""Lines of a changed passage that are shown again; the model has just written them."""


class EditFileArgs(Args):
    path: str = Field(description="Relative to the workspace.")
    old: str = Field(min_length=1, description="The passage to replace, exactly as it stands in the file, once.")
    new: str = Field(description="What stands there afterwards; empty to delete the passage.")


def edit_file(args: EditFileArgs, context: Context) -> tuple[str, str]:
    """The changed lines with their new numbers, or why nothing was changed and where the passage could have been."""
    path = paths.checked(args.path)
    text = _text(path, context)
    old, new = args.old, args.new
    if "\r\n" in text and "\r" not in old:  # models write \n; the file keeps its own line ends
        old, new = old.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
    at = _only_place(path, text, old)
    changed = f"{text[:at]}{new}{text[at + len(old) :]}"
    content = changed.encode(errors="replace")
    if len(content) > workspace.MAX_FILE:
        raise ToolFailure(f"Nothing was changed: {path} would have {len(content)} bytes, too many to keep.", "too big")
    if failed := context.sandbox.write({path: Entry(content)}, context.emit.check):
        raise ToolFailure(f"Nothing was changed: {path}: {failed[path]}.", f"{path} not written")
    return f"Changed {path}:\n{_excerpt(changed, at, new)}", f"{path} edited"


def _text(path: str, context: Context) -> str:
    [found] = context.sandbox.read([Span(path, workspace.MAX_FILE)], context.emit.check)
    if isinstance(found, Unreadable):
        raise ToolFailure(f"Nothing was changed: {path}: {found.reason}.", "not readable")
    if found.more:
        raise ToolFailure(f"Nothing was changed: {path} has {found.size} bytes, too many to edit here.", "too big")
    if (text := workspace.text_of(found.content)) is None:
        raise ToolFailure(f"Nothing was changed: {path} is not text.", "not text")
    return text


def _only_place(path: str, text: str, old: str) -> int:
    places = _places(text, old)
    if len(places) == 1:
        return places[0]
    if places:
        listed = _lines(text, places[: MAX_CANDIDATES + 1])
        raise ToolFailure(
            f"Nothing was changed: the passage stands in {path} more than once, at lines {listed}. Take more of the "
            "lines around the one you mean into `old`.",
            "not unique",
        )
    raise ToolFailure(f"Nothing was changed: {path} does not hold the passage. {_resembling(text, old)}", "not found")


def _places(text: str, old: str) -> list[int]:
    places: list[int] = []
    at = text.find(old)
    while at >= 0 and len(places) <= MAX_CANDIDATES:
        places.append(at)
        at = text.find(old, at + 1)
    return places


def _lines(text: str, places: list[int]) -> str:
    numbers = [str(text.count("\n", 0, at) + 1) for at in places[:MAX_CANDIDATES]]
    return ", ".join(numbers) + (" and more" if len(places) > MAX_CANDIDATES else "")


def _resembling(text: str, old: str) -> str:
    """Lines that begin like the passage but for white space."""
    wanted = next((line.split() for line in old.splitlines() if line.strip()), [])
    found = [(at, line) for at, line in enumerate(text.split("\n"), start=1) if wanted and line.split() == wanted]
    if not found:
        return "Read the file, and copy the passage from it without its line numbers."
    shown = "\n".join(numbered([line], at) for at, line in found[:MAX_CANDIDATES])
    return f"Lines that begin like it; look at the white space and at what follows:\n{shown}"


def _excerpt(text: str, at: int, new: str) -> str:
    lines = text.split("\n")
    first = text.count("\n", 0, at)
    last = first + min(new.count("\n"), MAX_SHOWN)
    start = max(0, first - AROUND)
    return numbered(lines[start : last + AROUND + 1], start + 1)


EDIT_FILE: Final = Tool(
    name="editFile",
    description=(
        "Replace one passage of a text file. `old` must be the exact text, white space included, and stand in the file "
        "once. Cheaper and safer than writing a long file anew."
    ),
    args=EditFileArgs,
    run=edit_file,
)
