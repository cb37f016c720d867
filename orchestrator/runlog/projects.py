"""The files that outlive a run, by project: contents under their hashes, and states that name them.

All of a project's files are one hash (``scripts/project/_project.lua``): what happens to them happens at once, in
a Cluster too. A run *pins* the state that it begins with; to save, it *stages* its own state, puts the contents that
are not there yet, and switches the project to it. Whoever dies on the way leaves the project as it was. What no run
that is still stored has pinned, and is not the project's, is swept away.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from agent.entries import Entry, Marks, batches, marked
from agent.errors import TransientError
from agent.messages import Done
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import project_files, projects_to_sweep
from orchestrator.runlog.script import Script
from orchestrator.runlog.states import NOTHING, State, name_of, upon
from orchestrator.runlog.views import FilesView

PROJECT_TTL: Final = 30 * 86_400
"""Seconds a project's files are kept after its last run."""
MOST_HISTORY: Final = 5
"""Runs that a later one is told of."""
MOST_STATES: Final = 32
"""States that a process remembers; they never change, and each step asks for its run's."""
DROPPED_AT_A_TIME: Final = 1_000
SWEEPS: Final = 4
"""How often in the time that a run is stored; what nothing needs any more stays a quarter of it longer."""
SWEEP_SECONDS: Final = 60.0
TOGETHER_MS: Final = 60_000
"""Requests for the same run that come within this time, before it is stored, make one."""
MOST_SWEPT: Final = 20
"""Projects that one process sweeps in a row."""

Reader = Callable[[Sequence[str]], Mapping[str, bytes]]
"""Contents by path."""


class ProjectGone(Exception):
    """The project was deleted while the run was on its way."""


class ProjectFiles:
    """``run_ttl``: seconds that a run is stored after its end. Methods raise redis' errors, and LogFull."""

    def __init__(self, redis: Client, run_ttl: float = 86_400) -> None:
        self._redis, self._run_ttl = redis, run_ttl
        names = ("pin", "stage", "put", "switch", "drop")
        self._scripts = {name: Script(redis, name, shared="project/_project") for name in names}
        self._known: dict[str, tuple[State, Marks]] = {}

    def pin(self, project_id: str, run_id: str, created: int, like: str = "") -> list[Done]:
        """Let the run begin with the project as it is now; from then on that is kept for it. May be repeated.

        ``created``: when the run was, in ms. ``like``: a run that is stored; this one begins with what that did, as one
        has to that takes over its changes. Returns what was done on the project lately, oldest first. Raises KeyError
        where what ``like`` began with is not stored any more.
        """
        _, history, _ = self._pin(project_id, run_id, created, like)
        return [done for run, done in _history(history) if run != run_id]

    def agree(self, project_id: str, run_id: str, created: int, like: str) -> int:
        """``pin`` for a run that is not stored yet; returns when it is created: the same for all who make it."""
        return int(self._pin(project_id, run_id, created, like, TOGETHER_MS)[2])

    def _pin(self, project_id: str, run_id: str, created: int, like: str, *more: int) -> list[bytes]:
        self._redis.zadd(projects_to_sweep(), {project_id: self._next_sweep()}, nx=True)
        pinned = self._call("pin", project_id, run_id, created, PROJECT_TTL, like, *more)
        if not pinned:
            raise KeyError(like)
        return pinned

    def base(self, project_id: str, run_id: str) -> str:
        """The name of the state that the run began with."""
        pin: bytes | None = self._redis.hget(project_files(project_id), f"run:{run_id}")
        return NOTHING if pin is None else pin.decode().split()[1]

    def head(self, project_id: str) -> str:
        """The name of the project's state."""
        head: bytes | None = self._redis.hget(project_files(project_id), "head")
        return NOTHING if head is None else head.decode().split()[0]

    def about(self, project_id: str) -> tuple[int, str | None, list[Done]]:
        """Bytes of all that is stored of it, the run that saved last, and what was done lately, oldest first."""
        size, head, history = self._redis.hmget(project_files(project_id), "bytes", "head", "history")
        return int(size or 0), head.decode().split()[2] if head else None, [done for _, done in _history(history)]

    def size(self, project_id: str) -> int:
        """Bytes of all that is stored of it."""
        return int(self._redis.hget(project_files(project_id), "bytes") or 0)

    def state(self, project_id: str, name: str) -> tuple[State, Marks]:
        """A state, and all of its marks; must not be changed. Raises KeyError where it is not there any more."""
        if name == NOTHING:
            return State(), {}
        if name not in self._known:
            stored: bytes | None
            [stored] = self._redis.hmget(project_files(project_id), [f"state:{name}"])
            if stored is None:
                raise KeyError(name)
            state = State.decode(stored)
            marks = state.over(self.state(project_id, state.on)[1])
            while len(self._known) >= MOST_STATES:
                del self._known[next(iter(self._known))]
            self._known[name] = state, marks
        return self._known[name]

    def view(self, project_id: str, name: str) -> FilesView:
        """A state to be looked at. Raises KeyError."""
        state, marks = self.state(project_id, name)
        return FilesView(marks, frozenset(), lambda paths: {}, partial(self.read, project_id), state.left_out)

    def read(self, project_id: str, hashes: Sequence[str]) -> dict[str, bytes]:
        """Contents by hash; those that are not there are left out."""
        fields = [f"content:{each}" for each in hashes]
        found: list[bytes | None] = self._redis.hmget(project_files(project_id), fields) if fields else []
        return {each: content for each, content in zip(hashes, found, strict=True) if content is not None}

    def save(
        self,
        project_id: str,
        run_id: str,
        created: int,
        changes: State | None,
        read: Reader,
        done: Done | None = None,
    ) -> bool:
        """Make ``changes`` over what the run began with the project's state; ``read`` gives contents of changed files.

        False where a run that was created later has saved. May be repeated. Raises ProjectGone.
        """
        name, state, base_name = self._to_save(project_id, run_id, changes)
        needed = {mark.hash: path for path, mark in state.changes.items() if mark and mark.is_file}
        sizes = {mark.hash: mark.size for mark in state.changes.values() if mark and mark.is_file}
        refused = None
        if name != base_name:
            refused, *missing = self._ask("stage", project_id, run_id, created, name, state.encode(), *needed)
            for hashes in batches({each: sizes[each] for each in missing}):
                contents = read([needed[each] for each in hashes])
                if lost := {needed[each] for each in hashes} - contents.keys():
                    raise TransientError(f"the content of {min(lost)} is not stored")
                sent = [part for each in hashes for part in (each, contents[needed[each]])]
                [refused] = self._ask("put", project_id, run_id, created, *sent)
        if refused in (None, "ok"):
            told = done.model_dump_json(by_alias=True) if done else ""
            args = [name, state.on, told, MOST_HISTORY, PROJECT_TTL, *needed]
            [refused] = self._ask("switch", project_id, run_id, created, *args)
        if refused == "missing":
            raise TransientError("the project's files were not all stored")
        if refused == "gone":
            raise ProjectGone(f"project {project_id!r} was deleted")
        return refused == "ok"

    def replace(self, project_id: str, tree: Mapping[str, Entry], created: int, run_id: str = "seed") -> bool:
        """Make ``tree`` the project's files, as a run created at ``created`` (ms) would."""
        self.pin(project_id, run_id, created)
        marks = marked(tree)
        _, before = self.state(project_id, self.base(project_id, run_id))
        changes = State(changes={**dict.fromkeys(before), **marks})
        contents = {path: entry.content for path, entry in tree.items()}
        return self.save(project_id, run_id, created, changes, lambda paths: contents)

    def sweep(self, project_id: str, are_stored: Callable[[Iterable[str]], set[str]]) -> bool:
        """Drop what is not needed any more; False where nothing is stored. ``are_stored``: which of these runs are."""
        key = project_files(project_id)
        version, head = self._redis.hmget(key, "version", "head")
        if version is None:
            return False
        fields = [field.decode() for field in self._redis.hkeys(key)]
        pins = [field for field in fields if field.startswith("run:")]
        stored = are_stored([pin[4:] for pin in pins])
        dead = [pin for pin in pins if pin[4:] not in stored]
        alive = [pin for pin in pins if pin[4:] in stored]
        values = self._redis.hmget(key, alive) if alive else []
        names = {name for value in values if value for name in value.decode().split()[1:]}
        needed = set(self._named(project_id, names | ({head.decode().split()[0]} if head else set())))
        waste = [field for field in fields if field.startswith(("state:", "content:")) and field not in needed]
        unneeded = [*dead, *waste]
        for at in range(0, len(unneeded), DROPPED_AT_A_TIME):
            [answer] = self._scripts["drop"]([key], [version, *unneeded[at : at + DROPPED_AT_A_TIME]])
            if answer != b"ok":
                break  # a run has begun or saved meanwhile; the next sweep finds out anew
        return True

    def due(self) -> list[str]:
        """Projects that may hold something for runs that have expired."""
        found = self._redis.zrangebyscore(projects_to_sweep(), "-inf", time.time(), start=0, num=MOST_SWEPT)
        return [project_id.decode() for project_id in found]

    def swept(self, project_id: str, *, again: bool) -> None:
        """``again``: it still holds something."""
        if again:
            self._redis.zadd(projects_to_sweep(), {project_id: self._next_sweep()})
        else:
            self._redis.zrem(projects_to_sweep(), project_id)

    def _next_sweep(self) -> float:
        return time.time() + max(SWEEP_SECONDS, self._run_ttl / SWEEPS)

    def delete(self, project_id: str) -> None:
        self._redis.unlink(project_files(project_id))

    def _to_save(self, project_id: str, run_id: str, changes: State | None) -> tuple[str, State, str]:
        """The name of the state to save, itself, and the name of the one that the run began with."""
        base_name = self.base(project_id, run_id)
        base, below = self.state(project_id, base_name)
        if changes is None or (tree := changes.over(below)) == below:
            return base_name, base if base_name != NOTHING else State(), base_name
        state = upon(base_name, base, tree, changes)
        return name_of(state.encode()), state, base_name

    def _named(self, project_id: str, names: Iterable[str]) -> Iterator[str]:
        """The fields of these states, of those below them, and of their contents."""
        for name in names:
            if name == NOTHING:
                continue
            try:
                state, marks = self.state(project_id, name)
            except KeyError:
                continue
            yield from (f"state:{name}", f"state:{state.on}")
            yield from (f"content:{mark.hash}" for mark in marks.values() if mark.is_file)

    def _ask(self, script: str, project_id: str, *args: Any) -> list[str]:
        return [str(part, "utf-8") for part in self._call(script, project_id, *args)]

    def _call(self, script: str, project_id: str, *args: Any) -> list[bytes]:
        reply: list[bytes] = self._scripts[script]([project_files(project_id)], list(args))
        return reply


def _history(stored: bytes | None) -> list[tuple[str, Done]]:
    return [(each["run"], Done.model_validate_json(each["done"])) for each in json.loads(stored or b"[]")]
