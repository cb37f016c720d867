"""What a run has installed is there for the next run of its project, and for nobody else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.entries import Stored
from agent.sandbox import Janitor, kept, open_sandbox, remove_workspace
from agent.workspace import restore

pytestmark = pytest.mark.program

Run = Callable[..., str]
INSTALL = "mkdir -p node_modules/greeter && echo hello > node_modules/greeter/index.js && echo old > page.html"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "sandboxes"
    Janitor("bubblewrap", tmp_path / "sandboxes", lambda run_id: True).sweep()
    assert not list((tmp_path / "sandboxes").iterdir())


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs one command as a whole run of a project without stored files; returns its output."""

    def play(run_id: str, project: str, command: str, *, most: int = 8) -> str:
        sandbox = open_sandbox("bubblewrap", folder, run_id, project=project)
        output: list[str] = []
        with sandbox.hold(lambda: None):
            restore(sandbox, Stored(), lambda _: {}, lambda: None)
            sandbox.run(command, timeout=20, on_output=lambda _, text: output.append(text), check=lambda: None)
        remove_workspace("bubblewrap", folder, run_id, kept=most)
        return "".join(output)

    return play


def test_the_next_run_of_the_project_finds_what_was_installed_and_only_that(run: Run) -> None:
    run("run_1", "web/shop", INSTALL)
    output = run(
        "run_2", "web/shop", "cat node_modules/greeter/index.js; ls; echo more >> node_modules/greeter/index.js"
    )
    assert output == "hello\nnode_modules\n"
    assert run("run_3", "web/shop", "cat node_modules/greeter/index.js") == "hello\nmore\n"


def test_a_project_that_is_deleted_leaves_nothing(run: Run, folder: Path) -> None:
    run("run_1", "web/shop", INSTALL)
    run("run_2", "web/other", INSTALL)
    janitor = Janitor("bubblewrap", folder, kept=8)
    assert janitor.forget("web/shop") and janitor.forget("web/never-was")
    assert [path.name for path in folder.iterdir()] == [kept.name_of("web/other")]
    assert run("run_3", "web/shop", "ls") == ""


@pytest.mark.parametrize("project", ["other/shop", "web/shop2", ""])
def test_another_project_finds_nothing(run: Run, project: str) -> None:
    run("run_1", "web/shop", INSTALL)
    assert run("run_2", project, "ls") == ""


def test_where_nothing_was_installed_nothing_is_kept(run: Run, folder: Path) -> None:
    run("run_1", "web/shop", "echo words > page.html; ln -s /etc node_modules")
    assert not list(folder.iterdir())


def test_where_nothing_is_to_be_kept_nothing_is(run: Run, folder: Path) -> None:
    run("run_1", "web/shop", INSTALL, most=0)
    assert not list(folder.iterdir())


def test_two_runs_at_a_time_do_not_share_a_workspace(run: Run, folder: Path) -> None:
    run("run_1", "web/shop", INSTALL)
    first = open_sandbox("bubblewrap", folder, "run_2", project="web/shop")
    with first.hold(lambda: None):
        assert run("run_3", "web/shop", f"ls; {INSTALL}") == ""
    remove_workspace("bubblewrap", folder, "run_2", kept=8)
    assert run("run_4", "web/shop", "ls") == "node_modules\n"


def test_the_janitor_keeps_the_latest_ones_for_some_hours(run: Run, folder: Path) -> None:
    for number in range(3):
        run(f"run_{number}", f"web/shop{number}", INSTALL)
        _age(folder, 60)
    Janitor("bubblewrap", folder, kept=2).sweep()
    assert [run(f"run_1{number}", f"web/shop{number}", "ls", most=0) for number in range(3)] == [
        "",
        *["node_modules\n"] * 2,
    ]
    run("run_5", "web/shop", INSTALL)
    _age(folder, kept.SECONDS + 60)
    Janitor("bubblewrap", folder, kept=2).sweep()
    assert not list(folder.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives runs a user of their own")
def test_the_workspace_keeps_its_user_and_nobody_else_gets_that(run: Run, folder: Path) -> None:
    run("run_1", "web/shop", INSTALL)
    [kept_one] = folder.glob("kept-*/workspace")
    owner = kept_one.stat().st_uid
    others = open_sandbox("bubblewrap", folder, "run_2")
    with others.hold(lambda: None):
        others.run("true", timeout=20, on_output=lambda *_: None, check=lambda: None)
    assert (folder / "run_2" / "workspace").stat().st_uid != owner
    assert (kept_one / "node_modules").stat().st_uid == owner
    assert run("run_3", "web/shop", "touch node_modules/greeter/new && ls -ldn node_modules").split()[2] == "1000"


def _age(folder: Path, seconds: float) -> None:
    for owner in folder.glob("kept-*/owner"):
        then = owner.stat().st_mtime - seconds
        os.utime(owner, (then, then))
