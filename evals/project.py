"""A project as its check sees it: from outside. What a model wrote runs in a sandbox, and the check never loads it.

So nothing that such code does – end its process, patch what looks at it, print what a test prints – makes a check pass.
That takes the right answers, and they are not where the code runs.
"""

from __future__ import annotations

import json
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.entries import Entry
from agent.protocols import Sandbox, Span, Unreadable
from agent.sandbox import open_sandbox

COMMAND_SECONDS: Final = 60.0
MAX_FILE: Final = 4_000_000
"""Bytes; the tasks' files are far smaller."""
ASK: Final = """
import json

def tried(function, *arguments):
    try:
        return function(*arguments)
    except Exception as error:
        return "ValueError" if isinstance(error, ValueError) else type(error).__name__

answers = []
{code}
print()
print(json.dumps(answers))
"""


@dataclass(frozen=True)
class Done:
    """``code``: None where the command was killed."""

    code: int | None
    out: str
    err: str


class Project:
    """``before``: the files as they were before the first run. ``paths``: of those that the last run left."""

    def __init__(self, sandbox: Sandbox, files: Mapping[str, bytes], before: Mapping[str, bytes]) -> None:
        self.before, self.paths = before, sorted(files)
        self._sandbox = sandbox
        self._write(files)

    def has(self, path: str) -> bool:
        return not isinstance(self._read(path), Unreadable)

    def content(self, path: str) -> bytes:
        """A file's content. Raises FileNotFoundError."""
        found = self._read(path)
        if isinstance(found, Unreadable):
            raise FileNotFoundError(f"{path}: {found.reason}")
        return found

    def text(self, path: str) -> str:
        return self.content(path).decode()

    def is_unchanged(self, path: str) -> bool:
        return self.has(path) and self.content(path) == self.before[path]

    def write(self, path: str, content: str | bytes) -> None:
        self._write({path: content.encode() if isinstance(content, str) else content})

    def run(self, *command: str, stdin: str = "") -> Done:
        output = {"stdout": "", "stderr": ""}

        def take(source: str, chunk: str) -> None:
            output[source] += chunk

        line = f"printf %s {shlex.quote(stdin)} | {shlex.join(command)}"
        done = self._sandbox.run(line, timeout=COMMAND_SECONDS, on_output=take, check=_nothing)
        return Done(done.exit_code, output["stdout"], output["stderr"])

    def python(self, *arguments: str, stdin: str = "") -> Done:
        return self.run("python3", *arguments, stdin=stdin)

    def answers(self, code: str) -> Any:
        """What ``code``, run beside the project's, appended to the list ``answers``, through JSON.

        It is given inputs only: what is right is decided by who asks. ``tried(f, x)`` is f(x), or the error's name.
        """
        done = self.python("-c", ASK.format(code=code))
        assert done.code == 0, done
        return json.loads(done.out.rstrip().rpartition("\n")[2])

    def _read(self, path: str) -> bytes | Unreadable:
        [piece] = self._sandbox.read([Span(path, MAX_FILE)], _nothing)
        return piece if isinstance(piece, Unreadable) else piece.content

    def _write(self, files: Mapping[str, bytes]) -> None:
        self._sandbox.write({path: Entry(content) for path, content in files.items()}, _nothing, replace=True)


@contextmanager
def opened(kind: str, folder: Path, files: Mapping[str, bytes], before: Mapping[str, bytes]) -> Iterator[Project]:
    """A sandbox of its own with ``files``; ``kind`` as AGENT_SANDBOX."""
    sandbox = open_sandbox(kind, folder, f"check_{secrets.token_hex(6)}")
    with sandbox.hold(_nothing):
        yield Project(sandbox, files, before)


def _nothing() -> None:
    """Nobody cancels a check."""
