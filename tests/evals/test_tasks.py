"""The checks are worth something: each takes its reference solution, and nothing else does by doing nothing."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from evals.score import Run, Score
from evals.tasks import CHECK, Task, all_tasks

SECONDS = 60
EACH = pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.name)
QUICKLY = ("SECONDS = 20", "SECONDS = 0")  # a build that takes its time elsewhere


def lay(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def run(folder: Path, program: str | bytes) -> int:
    (folder / CHECK).write_bytes(program if isinstance(program, bytes) else program.encode())
    command = [sys.executable, "-B", CHECK]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=SECONDS, check=False)
    (folder / CHECK).unlink()
    return done.returncode


@pytest.fixture
def project(task: Task, tmp_path: Path) -> Path:
    """The project as it is when the last prompt is posted."""
    made, folder = tmp_path / "made", tmp_path / "project"
    made.mkdir()
    folder.mkdir()
    lay(folder, task.start(made) | task.first)
    return folder


@EACH
def test_its_solution_passes(task: Task, project: Path) -> None:
    lay(project, task.solution)
    if task.edit:
        for path in project.glob("build.py"):
            path.write_text(path.read_text().replace(*QUICKLY))
        assert run(project, task.edit) == 0
    assert run(project, task.check) == 0


@EACH
def test_doing_nothing_solves_nothing(task: Task, project: Path) -> None:
    passes = run(project, task.check) == 0
    claims = Score(task, Run("done", {}, turns=1, tokens=0, cost=0, seconds=0), passes)
    assert not claims.solved and claims.false_done
    admits = Score(task, Run("partial", {}, turns=1, tokens=0, cost=0, seconds=0), passes)
    assert admits.solved is not task.can_be_done and not admits.false_done


def test_there_are_thirty_of_all_kinds() -> None:
    tasks = all_tasks()
    assert len(tasks) == 30
    assert {task.kind for task in tasks} == {
        *("make", "fix", "refactor", "follow-up", "binary", "long", "cannot", "hostile"),
    }
    assert sum(not task.can_be_done for task in tasks) == 2


def test_files_to_be_repaired_are_long(tmp_path: Path) -> None:
    lengths = []
    for task in all_tasks():
        if task.kind == "fix" and (task.folder / "generate.py").exists():
            (tmp_path / task.name).mkdir()
            lengths.append(max(content.count(b"\n") for content in task.start(tmp_path / task.name).values()))
    assert min(lengths) >= 300 and max(lengths) >= 1_900
