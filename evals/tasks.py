"""A task: what is asked for, what the project holds before, the hidden check, and a solution that passes it.

A folder each in ``tasks/``: ``prompt.md``, ``check.py``; where there are some ``files/`` or ``generate.py`` (the
project before), ``first.md`` with ``first/`` (what was asked, and made, before), ``solution/``, ``solve.py`` (an edit).
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("tasks")
CHECK: Final = "hidden_check.py"
"""The check's name while it runs in the workspace."""


@dataclass(frozen=True)
class Task:
    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def _facts(self) -> dict[str, str]:
        return tomllib.loads((self.folder / "task.toml").read_text())

    @property
    def kind(self) -> str:
        return self._facts["kind"]

    @property
    def can_be_done(self) -> bool:
        """Where not, a run that ends as `done` is wrong, whatever it made."""
        return self._facts["expects"] == "done"

    @cached_property
    def prompts(self) -> list[str]:
        """What is asked, one run after another on the same project."""
        names = ("first.md", "prompt.md")
        return [(self.folder / name).read_text().strip() for name in names if (self.folder / name).exists()]

    @property
    def check(self) -> bytes:
        return (self.folder / "check.py").read_bytes()

    def start(self, into: Path) -> dict[str, bytes]:
        """The project before the first run; ``into`` is an empty folder to make it in."""
        if (generate := self.folder / "generate.py").exists():
            subprocess.run([sys.executable, "-I", generate, into], check=True)
        return files_below(self.folder / "files") | files_below(into)

    @cached_property
    def first(self) -> dict[str, bytes]:
        return files_below(self.folder / "first")

    @cached_property
    def solution(self) -> dict[str, bytes]:
        return files_below(self.folder / "solution")

    @property
    def edit(self) -> str | None:
        """A program that makes the rest of the solution, in the workspace."""
        path = self.folder / "solve.py"
        return path.read_text() if path.exists() else None


def all_tasks() -> list[Task]:
    return [Task(path.parent) for path in sorted(FOLDER.glob("*/task.toml"))]


def files_below(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(paths)}
