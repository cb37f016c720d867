"""Whoever dies while a project's files are saved, the project is whole and nothing of it stays for ever."""

from __future__ import annotations

from itertools import count

import pytest

from orchestrator.runlog import projects as module
from orchestrator.runlog.projects import ProjectFiles
from tests.orchestrator.project_runs import Project, done, text


class Killed(BaseException):
    """As by kill -9, between two calls of Redis."""


CALLS = ("stage", "put", "put", "switch")


@pytest.mark.parametrize("survived", range(len(CALLS) + 1))
@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
def test_a_kill_at_any_call_leaves_a_project_that_is_whole_and_nothing_for_ever(
    project: Project, survived: int, is_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "batches", lambda sizes: [[name] for name in sizes])
    project.run({"a": text("first a"), "b": text("first b")})
    store = project.begin()
    project.keep(store, {"a": text("second a"), "c": text("second c")})
    before, after = project.files(), {"a": b"second a", "b": b"first b", "c": b"second c"}
    calls, call = count(), ProjectFiles._call

    def killed(self: ProjectFiles, script: str, *args: object) -> list[bytes]:
        dies = next(calls) == survived
        if dies and not is_done:
            raise Killed
        reply = call(self, script, *args)  # type: ignore[arg-type]
        if dies:
            raise Killed
        return reply

    with monkeypatch.context() as patch:
        patch.setattr(ProjectFiles, "_call", killed)
        try:
            store.save_project(done("p"))
        except Killed:
            has_switched = survived == len(CALLS) - 1 and is_done
            assert project.files() == (after if has_switched else before)
        else:
            assert survived == len(CALLS)
    # Somebody else's run comes first, or the same step again: both find a whole project.
    other = project.begin()
    assert other.read(list(other.state().tree)) == project.files()
    store.save_project(done("p"))
    assert project.files() == after
    for each in (store, other):
        project.expire(each)
    project.sweep()
    assert len(project.fields("content")) == 3


def test_an_upload_that_nobody_finishes_is_swept_when_its_run_has_expired(project: Project) -> None:
    project.run({"a": text("a")})
    store = project.begin()
    project.keep(store, {"b": text("never")})
    with pytest.MonkeyPatch.context() as patch:
        original = ProjectFiles._call

        def killed(self: ProjectFiles, script: str, *args: object) -> list[bytes]:
            if script == "switch":
                raise Killed
            return original(self, script, *args)  # type: ignore[arg-type]

        patch.setattr(ProjectFiles, "_call", killed)
        with pytest.raises(Killed):
            store.save_project(done("p"))
    assert len(project.fields("content")) == 2
    project.sweep()
    assert len(project.fields("content")) == 2  # the run is still there, and may try again
    project.expire(store)
    project.sweep()
    assert len(project.fields("content")) == 1
