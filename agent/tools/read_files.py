"""``readFiles``: show files of the workspace to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from agent import confined, workspace
from agent.tools.base import Args, Context, Tool, ToolFailure
from agent.tools.excerpt import HeadAndTail

MAX_SHOWN: Final = 48 * 1024
"""Characters of one file that the model reads; the middle of a longer one is left out."""


class ReadFilesArgs(Args):
    files: list[str] = Field(min_length=1, max_length=20, description="Paths relative to the workspace.")


def read_files(args: ReadFilesArgs, context: Context) -> tuple[str, str]:
    """Each file under a ``==> path <==`` line; one that cannot be read is explained in its place."""
    shown: list[str] = []
    failed = 0
    for path in args.files:
        try:
            content = _read(context.sandbox.root, path)
        except ToolFailure as failure:
            content, failed = str(failure), failed + 1
        shown.append(f"==> {path} <==\n{content}")
    text = "\n".join(shown)
    if failed:
        raise ToolFailure(text, f"{failed} of {len(args.files)} not readable")
    return text, f"{len(args.files)} file{'s' if len(args.files) != 1 else ''} read"


def _read(root: Path, path: str) -> str:
    try:
        content = confined.read(root, confined.checked(path), workspace.MAX_FILE)
    except confined.InvalidPath as error:
        raise ToolFailure(f"(not read: {error})", "wrong path") from error
    except OSError as error:
        raise ToolFailure(f"(not read: {error.strerror or error})", "not readable") from error
    if content is None:
        raise ToolFailure(f"(not read: more than {workspace.MAX_FILE} bytes)", "too big")
    if (text := workspace.text_of(content)) is None:
        raise ToolFailure(f"(not text: {len(content)} bytes)", "binary")
    excerpt = HeadAndTail(MAX_SHOWN)
    excerpt.add(text)
    return excerpt.text()


READ_FILES: Final = Tool(
    name="readFiles",
    description="Read files of the workspace.",
    args=ReadFilesArgs,
    run=read_files,
)
