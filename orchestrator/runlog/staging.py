"""What a run takes over from another, laid out beside its place in portions, until ``adopt.lua`` makes a run of it.

Two runs are in two slots of a Cluster, so this is a copy. Whoever dies on the way leaves nothing but names that expire.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from orchestrator.events import dumps, encode_body, now_ms
from orchestrator.redact import Redactor
from orchestrator.runlog.connection import Client
from orchestrator.runlog.journal import encode_taken
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.past import MODEL, Event, Past

STAGED_MS: Final = 60_000
"""How long what is staged lives: from its last portion to its adoption."""
PORTION_BYTES: Final = 1_000_000
"""Of one round trip; Redis does nothing else meanwhile."""

Kind = Literal["fork", "retry"]
ENVELOPE: Final = frozenset({"id", "runId", "type", "data", "timestamp", "step", "attempt"})


@dataclass(frozen=True)
class Branch:
    """How a run goes on from another. ``value``: what its user adds, ``model``: another one, from there on."""

    kind: Kind
    past: Past
    value: str | None = None
    model: str | None = None

    @property
    def origin(self) -> dict[str, Any]:
        """See ``orchestrator.web.answers.Origin``."""
        steps, source = len(self.past.steps), self.past.record.run_id
        place = {"kind": self.kind, "runId": source, "step": self.past.next_step}
        return {**place, "steps": steps, "usage": self.past.usage or None}

    @property
    def sentence(self) -> str:
        """For people."""
        source, step, count = self.past.record.run_id, self.past.next_step, len(self.past.steps)
        begin = "Goes on from" if self.kind == "retry" else "Forked from"
        where = f" at step {step}" if self.kind == "retry" else f" before step {step}"
        taken = f"its {count} finished steps are taken over" if count != 1 else "its finished step is taken over"
        return f"{begin} {source}{where if step else ''}; {taken if count else 'nothing was finished before it'}"


@dataclass(frozen=True)
class Staged:
    """``keys`` in the order of RunKeys.all without the run's own; ``last``: the last event's id, ``size`` in bytes."""

    source_id: str
    has_begun: bool
    """It takes over a step, so it began with the project's files as they were then."""
    keys: Sequence[str]
    last: int
    size: int
    fields: dict[str, Any]
    """Of the run hash."""


class Staging:
    def __init__(self, redis: Client, redact: Redactor) -> None:
        self._redis, self._redact = redis, redact

    def stage(self, run_id: str, branch: Branch) -> Staged:
        """Lay out what the run ``run_id`` is to take over. Raises redis' errors."""
        past = branch.past
        keys = RunKeys(run_id).staged(secrets.token_hex(8))
        log, *hashes = keys
        inbox, said = self._inbox(branch)
        bodies = list(self._bodies(run_id, branch, said))
        now = now_ms()
        lines = {step.name: encode_taken(step, now) for step in past.steps}
        contents: list[Mapping[Any, Any]] = [_results(branch), past.files, inbox, lines, past.undo]

        portions = _Portions(self._redis, keys)
        for number, body in enumerate(bodies, start=1):
            portions.add_event(log, number, f'{{"id":{number},{body}')
        for name, content in zip(hashes, contents, strict=True):
            for field, value in content.items():
                portions.add_field(name, field, value)
        portions.send()
        files_and_results = sum(len(value) for content in contents[:2] for value in content.values())
        fields = {"origin": dumps(branch.origin), "undoFrom": past.undo_from, "undoBytes": past.undo_bytes}
        if past.steps:
            fields["doneStep"] = past.steps[-1].name
        size = files_and_results + sum(map(len, bodies))
        return Staged(past.record.run_id, bool(past.steps), keys, len(bodies), size, fields)

    def _inbox(self, branch: Branch) -> tuple[dict[str, str], tuple[str, str] | None]:
        """The messages to hear, and the words and id of the one that is added."""
        past = branch.past
        if branch.value is None or not past.steps:  # before the first step they are the prompt
            return dict(past.inbox), None
        words, number = self._redact(branch.value), past.heard + 1
        inbox = {**past.inbox, "count": str(number), f"message:{number}": words}
        return inbox, (words, f"message_{secrets.token_hex(6)}")

    def _bodies(self, run_id: str, branch: Branch, said: tuple[str, str] | None) -> Iterator[str]:
        yield encode_body(run_id, "status", branch.sentence, "request", 0)
        for event in branch.past.events:
            yield _body(run_id, event)
        if said is not None:
            words, message_id = said
            yield encode_body(run_id, "user-message", {"value": words, "messageId": message_id}, message_id, 0)


def _body(run_id: str, event: Event) -> str:
    """An event of another run as one of ``run_id``: it happens there now."""
    extra = {name: value for name, value in event.items() if name not in ENVELOPE}
    return encode_body(run_id, event["type"], event["data"], event.get("step", ""), event.get("attempt", 0), extra)


def _results(branch: Branch) -> dict[str, bytes]:
    """With another model nothing may look as if that one, or its fallback, had answered before."""
    if branch.model is None:
        return dict(branch.past.results)
    return {
        name: dumps({**json.loads(result), "model": ""}).encode() if name.startswith(MODEL) else result
        for name, result in branch.past.results.items()
    }


class _Portions:
    """Writes to the staged names, some at a time."""

    def __init__(self, redis: Client, keys: Sequence[str]) -> None:
        self._redis, self._keys = redis, keys
        self._pipe, self._size = redis.pipeline(transaction=False), 0

    def add_event(self, log: str, number: int, event: str) -> None:
        self._pipe.xadd(log, {"e": event}, id=f"{number}-0")
        self._added(len(event))

    def add_field(self, name: str, field: Any, value: Any) -> None:
        self._pipe.hset(name, field, value)
        self._added(len(value))

    def send(self) -> None:
        for key in self._keys:
            self._pipe.pexpire(key, STAGED_MS)
        self._pipe.execute()
        self._pipe, self._size = self._redis.pipeline(transaction=False), 0

    def _added(self, size: int) -> None:
        self._size += size
        if self._size > PORTION_BYTES:
            self.send()
