"""Runs on one project, step by step, and the files that they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count

from agent.entries import Entry, LeftOut, Tree
from agent.messages import Done
from orchestrator.events import RunRequested
from orchestrator.projects import RedisProjectStore
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys, project_files

Changes = Mapping[str, Entry | None]


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
