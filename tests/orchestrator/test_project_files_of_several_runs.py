"""Several runs on one project: whose files it keeps, what each begins with, and what a later one is told."""

from __future__ import annotations

import pytest

from agent.errors import PermanentError
from orchestrator.runlog import RunEnded
from orchestrator.runlog.keys import project_files
from orchestrator.runlog.projects import MOST_HISTORY, TOGETHER_MS
from orchestrator.runlog.states import NOTHING
from tests.orchestrator.project_runs import Project, done, text


def test_two_that_save_at_once_leave_the_newer_ones_files(project: Project) -> None:
    older, newer = project.begin(), project.begin()
    project.keep(older, {"a": text("older"), "only-older": text("x")})
    project.keep(newer, {"a": text("newer")})
    newer.save_project(done("newer"))
    older.save_project(done("older"))
    assert project.files() == {"a": b"newer"}
    assert [each.prompt for each in project.begin().open_project()] == ["newer"]


def test_a_deleted_project_is_not_brought_back_by_a_run_that_began_on_it(project: Project) -> None:
    project.run({"a": text("a")})
    store = project.begin()
    project.keep(store, {"b": text("b")})
    project.log.projects.delete(project.id)
    with pytest.raises(PermanentError, match="deleted"):
        store.save_project(done("late"))
    assert not project.client.exists(project_files(project.id))
    assert project.begin().state().tree == {}


def test_a_run_that_has_ended_saves_nothing(project: Project) -> None:
    store = project.begin()
    project.keep(store, {"a": text("a")})
    project.log.fail(store._run_id, "over", "cancelled")
    with pytest.raises(RunEnded):
        store.save_project(done("p"))
    assert project.log.projects.head(project.id) == NOTHING


def test_a_run_with_the_id_of_an_expired_one_begins_with_the_project_as_it_is_now(project: Project) -> None:
    project.run({"a": text("old")})
    projects = project.log.projects
    projects.pin(project.id, "run_again", 1)
    project.run({"a": text("new")})
    projects.pin(project.id, "run_again", 1)
    assert projects.view(project.id, projects.base(project.id, "run_again")).read("a") == b"old"
    projects.pin(project.id, "run_again", 2)
    assert projects.view(project.id, projects.base(project.id, "run_again")).read("a") == b"new"


def test_a_run_can_begin_with_what_another_began_with(project: Project) -> None:
    project.run({"a": text("old")})
    first = project.run({"a": text("new")})
    projects = project.log.projects
    projects.pin(project.id, "run_fork", 9_999, like=first._run_id)
    project.expire(first)
    assert projects.base(project.id, "run_fork") == projects.base(project.id, first._run_id)
    project.log.projects.sweep(project.id, lambda run_ids: {"run_fork"})
    assert projects.view(project.id, projects.base(project.id, "run_fork")).read("a") == b"old"


def test_requests_that_make_the_same_run_at_once_agree_when_it_was_created(project: Project) -> None:
    """Seen: three POSTs of a retry with one key; the run ended as if its project had been deleted."""
    first = project.run({"a": text("old")})
    projects = project.log.projects
    agreed = [projects.agree(project.id, "run_fork", 5_000 + late, first._run_id) for late in (0, 1, 2)]
    assert agreed == [5_000] * 3
    assert projects.save(project.id, "run_fork", 5_000, None, lambda paths: {})
    assert projects.agree(project.id, "run_fork", 5_000 + TOGETHER_MS, first._run_id) == 5_000 + TOGETHER_MS


def test_a_later_run_is_told_of_the_latest_ones(project: Project) -> None:
    for number in range(MOST_HISTORY + 2):
        project.run({"a": text(f"{number}")}, f'prompt {number} / "é\\n"')
    history = project.begin().open_project()
    assert [each.prompt for each in history] == [f'prompt {number} / "é\\n"' for number in range(2, MOST_HISTORY + 2)]
    assert history[-1] == done(history[-1].prompt)


def test_saving_again_after_a_lost_reply_tells_of_the_run_once(project: Project) -> None:
    store = project.run({"a": text("a")})
    store.save_project(done("p"))
    assert len(project.begin().open_project()) == 1
