"""The table of checks: which files each looks at, and its command. To add one, add a row and a program.

A program gets paths as arguments, prints ``! path:line: what is wrong`` or ``? what it could not check``, and exits 0.
It runs where a command would, on files that nobody has looked at; so it executes nothing of them.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources
from typing import Final

PYTHON: Final = ("python3", "-I", "-c")
"""``-I``: a file of the project such as ast.py must not stand in for Python's own."""
NODE: Final = ("node", "--no-warnings", "--experimental-vm-modules", "-e")
JSX_SIGNS: Final = (b'"react"', b'"preact"', b'"solid-js"')
"""In a package.json: its .js files may hold JSX, which no JavaScript engine reads."""


@dataclass(frozen=True)
class Kind:
    name: str
    suffixes: tuple[str, ...]
    needs: str
    """What the command needs, for people."""
    runner: tuple[str, ...]
    program: str
    """A file in ``programs``."""

    def paths(self, files: Mapping[str, bytes]) -> list[str]:
        """Which of ``files`` it looks at."""
        suffixes = self.suffixes
        if ".js" in suffixes and any(sign in files.get("package.json", b"") for sign in JSX_SIGNS):
            suffixes = tuple(suffix for suffix in suffixes if suffix != ".js")
        return sorted(path for path in files if path.endswith(suffixes))

    def command(self, paths: Sequence[str]) -> str:
        # After "--" for node, which would take a path for an option of its own.
        dashes = ["--"] if self.runner[0] == "node" else []
        return shlex.join([*self.runner, _text(self.program), *dashes, *(f"./{path}" for path in paths)])


@cache
def _text(program: str) -> str:
    return (resources("agent.checks") / "programs" / program).read_text()


KINDS: Final = (
    Kind("Python", (".py",), "python3", PYTHON, "python_syntax.py"),
    Kind("JavaScript", (".js", ".mjs", ".cjs"), "node", NODE, "javascript_syntax.cjs"),
    Kind("TypeScript", (".ts", ".tsx", ".jsx"), "python3", PYTHON, "braces.py"),
    Kind("TypeScript", (".ts", ".tsx", ".jsx"), "node", NODE, "typescript_syntax.cjs"),
    Kind("static pages", (".html", ".htm"), "python3", PYTHON, "pages.py"),
    Kind("data", (".json", ".toml", ".yaml", ".yml"), "python3", PYTHON, "data_files.py"),
)
