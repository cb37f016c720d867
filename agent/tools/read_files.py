"""``readFiles``: show files of the workspace to the model, whole or some of their lines, numbered."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agent import paths, workspace
from agent.protocols import Piece, Span, Unreadable
from agent.tools.base import Args, Context, Tool, ToolFailure
from agent.tools.excerpt import numbered

MAX_SHOWN: Final = 48 * 1024
"""Bytes of one file that the model reads at a time; the rest is had by asking for its lines."""


class FileToRead(Args):
    path: str = Field(description="Relative to the workspace.")
    first_line: int = Field(default=1, alias="firstLine", ge=1, le=10**9)
    last_line: int | None = Field(default=None, alias="lastLine", ge=1, le=10**9, description="Included.")


class ReadFilesArgs(Args):
    files: list[FileToRead | str] = Field(
        min_length=1, max_length=20, description="Paths relative to the workspace, or objects that name lines, too."
    )


def read_files(args: ReadFilesArgs, context: Context) -> tuple[str, str]:
    """Each file under a ``==> path <==`` line; one that cannot be read is explained in its place."""
    wanted = [FileToRead(path=file) if isinstance(file, str) else file for file in args.files]
    spans = [_span(file) for file in wanted]
    asked = [span for span in spans if isinstance(span, Span)]
    found = iter(context.sandbox.read(asked, context.emit.check) if asked else [])
    shown, failed = [], 0
    for file, span in zip(wanted, spans, strict=True):
        part = next(found) if isinstance(span, Span) else span
        text = None if isinstance(part, Unreadable) else _shown(file, part)
        failed += text is None
        reason = part.reason if isinstance(part, Unreadable) else f"not text, {part.size} bytes"
        shown.append(f"==> {file.path} <==\n{f'(not read: {reason})' if text is None else text}")
    if failed:
        raise ToolFailure("\n".join(shown), f"{failed} of {len(wanted)} not readable")
    return "\n".join(shown), f"{len(wanted)} file{'s' if len(wanted) != 1 else ''} read"


def _span(file: FileToRead) -> Span | Unreadable:
    try:
        plain = paths.checked(file.path)
    except paths.InvalidPath as error:
        return Unreadable(str(error))
    lines = 0 if file.last_line is None else file.last_line - file.first_line + 1
    if file.last_line is not None and lines <= 0:
        return Unreadable(f"expected lastLine from {file.first_line} on, got {file.last_line}")
    return Span(plain, MAX_SHOWN, file.first_line, lines)


def _shown(file: FileToRead, found: Piece) -> str | None:
    """The numbered lines; ``None`` where it is no text."""
    is_cut = found.more and (file.last_line is None or len(found.content) >= MAX_SHOWN)
    content = found.content
    if is_cut and b"\n" in content:
        content = content[: content.rindex(b"\n") + 1]  # whole lines, so that the next call can go on
    elif is_cut:
        content = content.decode(errors="ignore").encode()
    if (text := workspace.text_of(content)) is None:
        return None
    lines = text.removesuffix("\n").split("\n") if text else []
    if not lines:
        return "(empty)" if not found.size else f"(it has fewer than {file.first_line} lines)"
    shown = numbered(lines, file.first_line)
    if is_cut:
        shown += (
            f"\n[… there is more, {found.size} bytes in all: go on with firstLine {file.first_line + len(lines)} …]"
        )
    return shown


READ_FILES: Final = Tool(
    name="readFiles",
    description=(
        "Read files of the workspace, with line numbers. A long file is shown in parts: name firstLine and lastLine "
        "to read the lines you need."
    ),
    args=ReadFilesArgs,
    run=read_files,
)
