"""``listFiles``: what the workspace holds."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agent import notes, paths
from agent.entries import LeftOut, Mark
from agent.tools.base import Args, Context, Tool, ToolFailure

MAX_LISTED: Final = 300


class ListFilesArgs(Args):
    folder: str = Field(default=".", description="Relative to the workspace; all of it if left out.")


def list_files(args: ListFilesArgs, context: Context) -> tuple[str, str]:
    """One entry a line, with its size; what is there and not kept stands below."""
    inside = _prefix(args.folder)
    found = [f"{path}{_about(mark)}" for path, mark in sorted(context.stored.tree.items()) if path.startswith(inside)]
    others = [item for item in context.stored.left_out if item.path.startswith(inside)]
    if not found and not others:
        raise ToolFailure(f"There is nothing in {args.folder}.", "nothing there")
    return "\n".join([*_cut(found), *_not_kept(others)]), f"{len(found)} file{'s' if len(found) != 1 else ''} listed"


def _prefix(folder: str) -> str:
    plain = paths.checked_folder(folder)
    return f"{plain}/" if plain else ""


def _about(mark: Mark) -> str:
    match mark.kind:
        case "folder":
            return "/ (empty)"
        case "link":
            return f" -> {mark.target}"
        case "executable":
            return f" ({notes.size(mark.size)}, executable)"
    return f" ({notes.size(mark.size)})"


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_LISTED
    return lines if more <= 0 else [*lines[:MAX_LISTED], f"[… and {more} more: name a folder …]"]


def _not_kept(items: list[LeftOut]) -> list[str]:
    return ["", notes.not_kept(items)] if items else []


LIST_FILES: Final = Tool(
    name="listFiles",
    description="List the files of the workspace, or of a folder in it, with their sizes.",
    args=ListFilesArgs,
    run=list_files,
)
