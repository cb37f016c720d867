"""Cheap checks of a project's files, before a run says that it is done."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Final

from agent.protocols import Sandbox

MAX_PROBLEMS: Final = 10
"""Enough for a model to work on; more would only cost tokens."""
MAX_SOURCES: Final = 100
MAX_PATH: Final = 200
"""Bytes; 100 such paths, quoted in the worst way, fit into one argument of a command."""
FOUND: Final = 3
"""Exit code of the syntax check when it found something: neither Python's own (1, 2) nor the shell's (126, 127)."""

# Runs in the sandbox: compiling text that nobody has looked at can crash the interpreter that does it.
SYNTAX_CHECK: Final = f"""
import ast, sys
bad = 0
for path in sys.argv[1:]:
    try:
        ast.parse(open(path, "rb").read())
    except (SyntaxError, ValueError) as error:
        bad = {FOUND}
        print(f"{{path}}:{{getattr(error, 'lineno', 0) or 0}}: {{getattr(error, 'msg', error)}}")
sys.exit(bad)
"""


def problems(files: Mapping[str, bytes], sandbox: Sandbox, timeout: float, check: Callable[[], None]) -> list[str]:
    """One line for each problem of ``files``, which are the sandbox's workspace too. ``timeout`` in seconds."""
    if not files:
        return ["There are no files. If the request needs none, say so and stop."]
    found = [*_json_problems(files), *_python_problems(files, sandbox, timeout, check)]
    return found[:MAX_PROBLEMS]


def _json_problems(files: Mapping[str, bytes]) -> list[str]:
    found = []
    for path, content in sorted(files.items()):
        if not path.endswith(".json"):
            continue
        try:
            json.loads(content)
        except (ValueError, RecursionError) as error:
            found.append(f"{path}: not well-formed JSON ({error})")
    return found


def _python_problems(
    files: Mapping[str, bytes], sandbox: Sandbox, timeout: float, check: Callable[[], None]
) -> list[str]:
    sources = sorted(path for path in files if path.endswith(".py") and len(path.encode()) <= MAX_PATH)[:MAX_SOURCES]
    if not sources:
        return []
    output: list[str] = []

    def collect(source: str, chunk: str) -> None:
        if source == "stdout":
            output.append(chunk)

    command = shlex.join(["python3", "-c", SYNTAX_CHECK, *(f"./{path}" for path in sources)])
    result = sandbox.run(command, timeout=timeout, on_output=collect, check=check)
    # Any other exit code says that nothing could be checked here, not that the files are wrong.
    return "".join(output).splitlines() if result.exit_code == FOUND else []
