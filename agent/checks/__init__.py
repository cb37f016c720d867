"""Cheap checks of a project's files, by kind of project, before a run says that it is done. They run in the sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from agent.checks.build import build_of, run_build
from agent.checks.kinds import KINDS, Kind
from agent.checks.result import Result
from agent.protocols import Sandbox

__all__ = ["Result", "build_of", "check", "run_build"]

MAX_PROBLEMS: Final = 10
"""Enough for a model to work on; more would only cost tokens."""
MAX_SOURCES: Final = 100
MAX_PATH: Final = 200
"""Bytes; 100 such paths, quoted in the worst way, fit into one argument of a command."""
MAX_OUTPUT: Final = 100_000
"""Characters of a check's output that are looked at."""
PROBLEM, UNCHECKED = "! ", "? "
"""How a program's lines begin: what is wrong, and what it could not check."""


def check(files: Mapping[str, bytes], sandbox: Sandbox, timeout: float, on_wait: Callable[[], None]) -> Result:
    """Look at ``files``, which are the sandbox's workspace too. ``timeout`` in seconds, for all checks together."""
    result = Result()
    give_up = time.monotonic() + timeout
    for kind in KINDS:
        paths = [path for path in kind.paths(files) if len(path.encode()) <= MAX_PATH][:MAX_SOURCES]
        if paths:
            lines = _lines(kind, paths, sandbox, max(1.0, give_up - time.monotonic()), on_wait)
            result.problems.extend(line.removeprefix(PROBLEM) for line in lines if line.startswith(PROBLEM))
            result.unchecked.extend(line.removeprefix(UNCHECKED) for line in lines if line.startswith(UNCHECKED))
    return Result(list(dict.fromkeys(result.problems))[:MAX_PROBLEMS], result.unchecked)


def _lines(
    kind: Kind, paths: Sequence[str], sandbox: Sandbox, timeout: float, on_wait: Callable[[], None]
) -> list[str]:
    """What the check of one kind says."""
    output = ""

    def collect(source: str, chunk: str) -> None:
        nonlocal output
        if source == "stdout":
            output = (output + chunk)[:MAX_OUTPUT]

    done = sandbox.run(kind.command(paths), timeout=timeout, on_output=collect, check=on_wait)
    if done.exit_code != 0:  # that nothing could be checked here, not that the files are wrong
        return [f"{UNCHECKED}{kind.name}: {kind.needs} cannot be run here"]
    return output.split("\n")
