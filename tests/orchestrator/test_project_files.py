"""A project's files are stored once, whoever dies while they are saved, and no longer than somebody needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import pytest

from agent.entries import Entry, LeftOut, Tree
from agent.errors import PermanentError, TransientError
from agent.messages import Done
from orchestrator.events import RunRequested
from orchestrator.projects import RedisProjectStore
from orchestrator.runlog import RunEnded, RunLog
from orchestrator.runlog import projects as module
from orchestrator.runlog.connection import Client, connect
from orchestrator.runlog.keys import RunKeys, project_files
from orchestrator.runlog.projects import MOST_HISTORY, TOGETHER_MS, ProjectFiles
from orchestrator.runlog.states import NOTHING

Changes = Mapping[str, Entry | None]


class Killed(BaseException):
    """As by kill -9, between two calls of Redis."""


@dataclass
class Project:
    """Runs on one project, step by step as the agent takes them."""

    log: RunLog
    client: Client
    id: str

    def __post_init__(self) -> None:
        self._names = count(1)

    def begin(self) -> RedisProjectStore:
        run_id = f"run_{self.id}_{next(self._names)}"
        assert self.log.create(RunRequested(run_id=run_id, project_id=self.id, value="v"), "direct", "Accepted")
        # Two runs within a millisecond would be as old as each other.
        self.client.hset(RunKeys(run_id).run, "createdAt", 1_000 + next(self._names))
        store = RedisProjectStore(self.log, self.log.record(run_id))
        store.open_project()
        return store

    def keep(self, store: RedisProjectStore, changes: Changes, left_out: Iterable[LeftOut] = ()) -> None:
        run_id, step = store._run_id, f"tool-{next(self._names)}"
        self.log.begin(run_id, step, 0, "n")
        self.log.commit(run_id, step, 0, "", 1, [], self.log.run_files.fields(run_id, changes, list(left_out)))

    def run(self, changes: Changes, prompt: str = "p") -> RedisProjectStore:
        store = self.begin()
        self.keep(store, changes)
        store.save_project(done(prompt))
        return store

    def files(self) -> dict[str, bytes]:
        view = self.log.files_of_project(self.id)
        return view.read_all(list(view.files))

    def fields(self, kind: str) -> set[str]:
        names = [name.decode() for name in self.client.hkeys(project_files(self.id))]
        return {name for name in names if name.startswith(f"{kind}:")}

    def expire(self, store: RedisProjectStore) -> None:
        self.client.delete(*RunKeys(store._run_id).all)

    def sweep(self) -> bool:
        return self.log.projects.sweep(self.id, self.log.stored)

    def sweep_when_due(self) -> None:
        self.client.zadd("agent:projects:sweep", {self.id: 0})
        while self.id in self.log.projects.due():  # which other tests' projects may be, too
            self.log.sweep_projects()


def done(prompt: str) -> Done:
    return Done(prompt=prompt, outcome="done", summary=f"did {prompt}")


def text(content: str) -> Entry:
    return Entry(content.encode())


def many(number: int, size: int) -> Tree:
    """Files that differ, as the words of a language do."""
    return {f"src/{n:04}.txt": Entry((b"%d " % n * size)[:size]) for n in range(number)}


@pytest.fixture
def project(redis_url: str, unique: Callable[[str], str]) -> Iterator[Project]:
    client = connect(redis_url, 4)
    yield Project(RunLog(client), client, unique("project"))
    client.close()
    client.connection_pool.disconnect()


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


def test_a_content_that_was_lost_is_said_and_not_taken_for_empty(project: Project) -> None:
    store = project.begin()
    project.keep(store, {"a": text("a")})
    project.client.hdel(RunKeys(store._run_id).files, "a")
    with pytest.raises(TransientError, match="content of a "):
        store.read(["a"])
