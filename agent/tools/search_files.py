"""``searchFiles``: which lines of which files hold a text."""

from __future__ import annotations

import shlex
from typing import Final

from pydantic import Field

from agent import paths, workspace
from agent.tools.base import Args, Context, Tool, ToolFailure

MAX_MATCHES: Final = 100
MAX_LINE: Final = 240
"""Characters of a matching line."""
MAX_OUTPUT: Final = 1_000_000
"""Characters of grep's output that are looked at."""
FOUND, NOTHING_FOUND = 0, 1
"""Exit codes of grep; others are troubles."""


class SearchFilesArgs(Args):
    text: str = Field(min_length=1, max_length=1_000, description="What to look for in each line.")
    regex: bool = Field(default=False, description="Take `text` for an extended regular expression (grep -E).")
    folder: str = Field(default=".", description="A folder or file to search in; the whole workspace if left out.")


def search_files(args: SearchFilesArgs, context: Context) -> tuple[str, str]:
    """``path:line: text`` for each match, to be read on with ``readFiles`` and ``firstLine``."""
    output = {"stdout": "", "stderr": ""}

    def on_output(source: str, chunk: str) -> None:
        output[source] = (output[source] + chunk)[:MAX_OUTPUT]

    result = context.sandbox.run(
        _command(args), timeout=context.command_timeout, on_output=on_output, check=context.emit.check
    )
    matches = [_match(line) for line in output["stdout"].split("\n") if line]
    if not matches:
        if result.exit_code == NOTHING_FOUND:
            return f"No line holds {args.text!r}.", "nothing found"
        raise ToolFailure(f"Not searched: {output['stderr'].strip()[:500] or 'it took too long'}.", "not searched")
    more = len(matches) - MAX_MATCHES
    shown = matches[:MAX_MATCHES]
    if more > 0 or result.exit_code != FOUND:
        shown.append(f"[… there is more{f', {more} lines at least' if more > 0 else ''}: search for something rarer …]")
    return "\n".join(shown), f"{len(matches)} line{'s' if len(matches) != 1 else ''} found"


def _command(args: SearchFilesArgs) -> str:
    folder = paths.checked_folder(args.folder) or "."
    if "\n" in args.text or "\0" in args.text:
        raise ToolFailure("Not searched: expected a text of one line.", "not one line")
    ignored = [f"--exclude-dir={name}" for name in sorted(workspace.IGNORED)]
    kind = "-E" if args.regex else "-F"
    # -I: no binary files; -D skip: a named pipe would be waited for.
    return shlex.join(["grep", "-rHnI", "-D", "skip", kind, *ignored, "-e", args.text, "--", folder])


def _match(line: str) -> str:
    path, _, rest = line.removeprefix("./").partition(":")
    number, _, text = rest.partition(":")
    return f"{path}:{number}: {text if len(text) <= MAX_LINE else text[:MAX_LINE] + '…'}"


SEARCH_FILES: Final = Tool(
    name="searchFiles",
    description="Find the lines of the workspace's text files that hold a text or match a regular expression.",
    args=SearchFilesArgs,
    run=search_files,
)
