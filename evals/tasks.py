"""A task: what is asked for, what the project holds before, the hidden check, and a solution that passes it.

A folder each in ``tasks/``: ``prompt.md``, ``check.py``; where there are some ``files/`` or ``generate.py`` (the
project before), ``first.md`` with ``first/`` (what was asked, and made, before), ``solution/``, ``solve.py`` (an edit).
A check is a function ``check(project)`` that raises where something is wrong (see ``evals/project.py``).
"""

from __future__ import annotations

import runpy
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from evals.project import Project

FOLDER: Final = Path(__file__).with_name("tasks")


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
        """Where not, a run has to say so in its own words."""
        return self._facts["expects"] == "done"

    @cached_property
    def prompts(self) -> list[str]:
        """What is asked, one run after another on the same project."""
        names = ("first.md", "prompt.md")
        return [(self.folder / name).read_text().strip() for name in names if (self.folder / name).exists()]

    @cached_property
    def check(self) -> Callable[[Project], None]:
        """Raises where a project is no solution."""
        check: Callable[[Project], None] = runpy.run_path(str(self.folder / "check.py"))["check"]
        return check

    @cached_property
    def before(self) -> dict[str, bytes]:
        """The project before the first run."""
        made: dict[str, bytes] = {}
        if (generate := self.folder / "generate.py").exists():
            with tempfile.TemporaryDirectory(prefix="runwire-eval-") as folder:
                subprocess.run([sys.executable, "-I", generate, folder], check=True)
                made = files_below(Path(folder))
        return files_below(self.folder / "files") | made

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
