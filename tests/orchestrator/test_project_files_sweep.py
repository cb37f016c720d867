"""A project's files are kept no longer than the project or a stored run needs them."""

from __future__ import annotations

from collections.abc import Iterable

from tests.orchestrator.project_runs import Project, many, text


def test_what_an_ended_run_began_with_stays_until_the_run_expires(project: Project) -> None:
    project.run({"a": text("old"), "b": text("same")})
    store = project.run({"a": text("new")})
    project.run({"a": text("newest")})
    before = project.log.files_before(store._run_id, project.id)
    after = project.log.files_of(store._run_id, project.id)
    for _ in range(2):
        assert before.read("a") == b"old" and after.read("a") == b"new" and after.read("b") == b"same"
        project.sweep()
    contents = len(project.fields("content"))
    project.expire(store)
    project.sweep()
    assert len(project.fields("content")) < contents
    assert project.files() == {"a": b"newest", "b": b"same"}


def test_without_stored_runs_a_project_holds_its_own_files_only(project: Project) -> None:
    stores = [project.run(many(20, 100)), project.run({"src/0000.txt": text("a")}), project.run({"x": text("b")})]
    for store in [*stores, project.begin()]:
        project.expire(store)
    project.sweep()
    assert project.fields("run") == set()
    assert len(project.fields("content")) == 21 and len(project.fields("state")) <= 2
    assert len(project.files()) == 21


def test_a_sweep_overlooks_no_run_that_saves_meanwhile(project: Project) -> None:
    """Seen deleting the content that the run had found there, without the version in drop.lua."""
    stores = [project.run({"a": text("old")}), project.run({"a": text("new")})]

    def are_stored(run_ids: Iterable[str]) -> set[str]:
        project.run({"a": text("old")})
        return project.log.stored(run_ids) - {store._run_id for store in stores}

    project.log.projects.sweep(project.id, are_stored)
    assert project.files() == {"a": b"old"}


def test_projects_are_swept_when_a_run_may_have_expired(project: Project) -> None:
    for store in [project.run({"a": text("old")}), project.run({"a": text("new")})]:
        project.expire(store)
    assert project.id not in project.log.projects.due()
    project.sweep_when_due()
    assert len(project.fields("content")) == 1
    assert project.client.zscore("agent:projects:sweep", project.id) is not None
    project.log.projects.delete(project.id)
    project.sweep_when_due()
    assert project.client.zscore("agent:projects:sweep", project.id) is None
