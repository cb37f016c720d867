"""What a run itself has changed: ``agent:{<runId>}:files``, path → content, and beside it a ``State``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from agent.entries import Entry, LeftOut
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.states import State

BESIDE: Final = "/"
"""The field, which no path can be, that says what the run has changed over the state that it began with."""

MOST_KNOWN: Final = 16
"""Runs whose changes a process remembers as they were last: most steps only look at them."""


class RunFiles:
    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._known: dict[str, tuple[bytes, State]] = {}

    def changes(self, run_id: str) -> State | None:
        """None: the run has not changed anything."""
        stored: bytes | None
        [stored] = self._redis.hmget(RunKeys(run_id).files, [BESIDE])
        if stored is None:
            return None
        known = self._known.get(run_id)
        if known is None or known[0] != stored:
            while len(self._known) >= MOST_KNOWN:
                del self._known[next(iter(self._known))]
            known = self._known[run_id] = stored, State.decode(stored)
        return known[1]

    def read(self, run_id: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Contents of files that the run has changed; those that are not there are left out."""
        contents: list[bytes | None] = self._redis.hmget(RunKeys(run_id).files, paths) if paths else []
        return {path: content for path, content in zip(paths, contents, strict=True) if content is not None}

    def fields(
        self, run_id: str, changes: Mapping[str, Entry | None], left_out: Sequence[LeftOut]
    ) -> dict[str, bytes | None]:
        """What ``RunLog.commit`` has to store for these changes."""
        before = self.changes(run_id) or State()
        marks = {path: None if entry is None else entry.mark for path, entry in changes.items()}
        after = State(changes={**before.changes, **marks}, left_out=list(left_out))
        contents = {path: entry.content if entry and entry.is_file else None for path, entry in changes.items()}
        return {**contents, BESIDE: after.encode()}
