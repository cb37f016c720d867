"""A project's files are stored once, of a later run only what it changed, and all of it is counted."""

from __future__ import annotations

import pytest

from agent.entries import Entry, LeftOut
from agent.errors import TransientError
from orchestrator.runlog.keys import RunKeys, project_files
from tests.orchestrator.project_runs import Project, done, many, text


def test_a_run_sees_the_projects_files_and_its_own_changes(project: Project) -> None:
    project.run({"a": text("1"), "b": text("1"), "run": Entry(b"x", "executable"), "link": Entry(b"a", "link")})
    store = project.begin()
    left_out = [LeftOut("big.bin", 9, "too large")]
    project.keep(store, {"a": None, "b": text("2"), "c": text("3"), "empty": Entry(kind="folder")}, left_out)
    state = store.state()
    assert list(state.tree) == ["b", "c", "empty", "link", "run"] and state.left_out == left_out
    assert state.tree["run"].kind == "executable" and state.tree["link"].target == "a"
    assert store.read(["b", "c", "run"]) == {"b": b"2", "c": b"3", "run": b"x"}
    assert list(store.base()) == ["a", "b", "link", "run"]
    assert project.files() == {"a": b"1", "b": b"1", "run": b"x", "link": b"a"}
    store.save_project(done("p"))
    assert project.files() == {"b": b"2", "c": b"3", "run": b"x", "link": b"a"}
    assert project.begin().state() == state


def test_a_follow_up_that_changes_one_file_of_2000_stores_only_that_file(project: Project) -> None:
    project.run(many(2_000, 500))
    key = project_files(project.id)
    before, size = project.client.hlen(key), project.client.memory_usage(key, samples=0)
    store = project.run({"src/0007.txt": text("changed")})
    # One content, one state that says so, and who has pinned what.
    assert project.client.hlen(key) - before == 3
    assert project.client.memory_usage(key, samples=0) - size < 2_000
    assert set(project.log.files(store._run_id)) == {"src/0007.txt", "/"}
    assert len(project.files()) == 2_000 and project.files()["src/0007.txt"] == b"changed"


def test_twenty_runs_do_not_store_a_project_twenty_times(project: Project) -> None:
    project.run(many(200, 20_000))
    size = project.log.projects.size(project.id)
    for number in range(20):
        project.run({f"src/{number:04}.txt": text(f"changed {number}")})
    assert project.log.projects.size(project.id) < size * 1.1
    used = sum(project.client.memory_usage(key) for key in project.client.scan_iter(f"*{project.id}*"))
    assert used < 3 * 200 * 20_000  # the project, and what its first run keeps of its own for a day


def test_equal_contents_are_stored_once(project: Project) -> None:
    project.run({f"{number}": text("the same") for number in range(10)})
    assert len(project.fields("content")) == 1


def test_what_a_project_takes_is_counted(project: Project) -> None:
    stores = [project.run(many(20, 100)), project.run({"src/0000.txt": None}), project.run({"src/0001.txt": text("x")})]
    key = project_files(project.id)

    def bytes_stored() -> int:
        fields = project.fields("state") | project.fields("content")
        return sum(project.client.hstrlen(key, field) for field in fields)

    assert project.log.projects.size(project.id) == bytes_stored()
    for store in stores:
        project.expire(store)
    project.sweep()
    assert project.log.projects.size(project.id) == bytes_stored()


def test_a_content_that_was_lost_is_said_and_not_taken_for_empty(project: Project) -> None:
    store = project.begin()
    project.keep(store, {"a": text("a")})
    project.client.hdel(RunKeys(store._run_id).files, "a")
    with pytest.raises(TransientError, match="content of a "):
        store.read(["a"])
