"""``createOrUpdateFiles``: write whole files into the workspace."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from agent import paths, workspace
from agent.entries import Entry
from agent.tools.base import Args, Context, Tool, ToolFailure

MOST_AT_ONCE: Final = 5_000
"""Files of one call; as many as a project holds by default."""


class FileToWrite(Args):
    path: str = Field(description="Relative to the workspace, such as 'src/app.js'.")
    content: str = Field(description="The file's whole new content.")


class WriteFilesArgs(Args):
    files: list[FileToWrite] = Field(min_length=1, max_length=MOST_AT_ONCE)


def write_files(args: WriteFilesArgs, context: Context) -> tuple[str, str]:
    """All of them or, where a path or a size is wrong, none; what the workspace refuses is said beside the rest."""
    contents = {paths.checked(file.path): _content(file) for file in args.files}
    entries = {path: Entry(content) for path, content in contents.items()}
    failed = context.sandbox.write(entries, context.emit.check)
    written = [f"{path} ({len(content)} bytes)" for path, content in contents.items() if path not in failed]
    if failed:
        reasons = "\n".join(f"Could not write {path}: {reason}." for path, reason in failed.items())
        text = "\n".join([reasons, *(["Written:", *written] if written else [])])
        raise ToolFailure(text, f"{_count(len(written))}, {len(failed)} not")
    return "\n".join(["Written:", *written]), _count(len(written))


def _content(file: FileToWrite) -> bytes:
    content = file.content.encode(errors="replace")
    if len(content) > workspace.MAX_FILE:
        raise ToolFailure(
            f"Nothing was written: {file.path} has {len(content)} bytes, at most {workspace.MAX_FILE} can be stored.",
            "file too big",
        )
    return content


def _count(number: int) -> str:
    return f"{number} file{'s' if number != 1 else ''} written"


WRITE_FILES: Final = Tool(
    name="createOrUpdateFiles",
    description="Create files, or overwrite them, with their whole content. Folders are made as needed.",
    args=WriteFilesArgs,
    run=write_files,
)
