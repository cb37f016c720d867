"""A run as it was before one of its steps: what another run takes over from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.runlog.calls import NO_STEP, Scripts
from orchestrator.runlog.connection import Client
from orchestrator.runlog.journal import Journal, StepRecord
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.record import RunRecord
from orchestrator.runlog.refusals import RunMissing

MODEL: Final = "model-"
"""How the names of the steps begin whose results are turns of the model (``agent.messages.Turn``)."""
APPROVAL: Final = "approval-"
PAGE: Final = 500
"""Events read at a time."""

Event = dict[str, Any]


class UnknownStep(Exception):
    """The run has no such step; ``steps`` are those that it has finished."""

    def __init__(self, step: str, steps: Sequence[str]) -> None:
        super().__init__(f"The run has no step {step[:80]!r}")
        self.steps = list(steps)


class StepNotDone(UnknownStep):
    """The step is not finished, so that nothing could go on from before it that does not already."""

    def __init__(self, step: str, steps: Sequence[str]) -> None:
        Exception.__init__(self, f"Step {step!r} is not finished: a fork starts from one that is")
        self.steps = list(steps)


class PastForgotten(Exception):
    """What the run was at that step is not stored any more."""


@dataclass(frozen=True)
class Past:
    """``record`` as it was when ``steps`` were done; results, files and the rest as they are stored."""

    record: RunRecord
    steps: Sequence[StepRecord]
    next_step: str | None
    """With which step it went on; None where none has begun."""
    results: Mapping[str, bytes]
    files: Mapping[bytes, bytes]
    undo: Mapping[bytes, bytes]
    undo_from: int
    undo_bytes: int
    inbox: Mapping[str, str]
    heard: int
    """How many messages of its user are in ``inbox``."""
    events: Sequence[Event]

    @property
    def usage(self) -> dict[str, Any]:
        """What the steps have used up."""
        total: dict[str, Any] = {}
        for turn in self._turns():
            for key, value in (turn.get("usage") or {}).items():
                total[key] = total.get(key, 0) + value
        return total

    def _turns(self) -> Iterator[Mapping[str, Any]]:
        return (json.loads(result) for name, result in self.results.items() if name.startswith(MODEL))


class Pasts:
    """Reads them. All methods raise RunMissing, PastForgotten and redis' errors."""

    def __init__(self, redis: Client, journal: Journal, scripts: Scripts) -> None:
        self._redis, self._journal, self._scripts = redis, journal, scripts

    def before(self, record: RunRecord, step: str) -> Past:
        """As the run was before it began the finished ``step``. Raises UnknownStep, StepNotDone."""
        steps = self._journal.read(record.run_id)
        done = [each for each in steps if each.is_done]
        names = [each.name for each in done]
        if not steps and not self._redis.hexists(RunKeys(record.run_id).run, "status"):
            raise RunMissing("the run was removed meanwhile")
        if step not in names:
            kind = StepNotDone if step in {each.name for each in steps} else UnknownStep
            raise kind(step, names)
        return self._read(record, done[: names.index(step)], step, all_said=False)

    def now(self, record: RunRecord) -> Past:
        """With all steps that are done, and all that its user has said."""
        steps = self._journal.read(record.run_id)
        done = [each for each in steps if each.is_done]
        open_ones = [each.name for each in steps if not each.is_done]
        return self._read(record, done, open_ones[-1] if open_ones else None, all_said=True)

    def _read(self, record: RunRecord, steps: Sequence[StepRecord], next_step: str | None, *, all_said: bool) -> Past:
        keys = RunKeys(record.run_id)
        names = [step.name for step in steps]
        files, undo, undo_from, undo_bytes = self._files(record.run_id, len(steps))
        results = self._results(keys, names, all_said=all_said)
        inbox = {name.decode(): value.decode() for name, value in self._redis.hgetall(keys.inbox).items()}
        said = int(inbox.get("count", 0))
        turns = (json.loads(result) for name, result in results.items() if name.startswith(MODEL))
        heard = said if all_said else sum(len(turn.get("heard", ())) for turn in turns)
        kept = {f"message:{number}": inbox[f"message:{number}"] for number in range(1, heard + 1)}
        for name in filter(lambda name: name.startswith(APPROVAL), names):
            kept |= {field: inbox[field] for field in (f"asked:{name}", f"answer:{name}") if field in inbox}
        return Past(
            record,
            steps,
            next_step,
            results,
            files,
            undo,
            undo_from,
            undo_bytes,
            kept | ({"count": str(heard)} if heard else {}),
            heard,
            list(_kept(self._events(keys), steps, heard, said)),
        )

    def _results(self, keys: RunKeys, names: Sequence[str], *, all_said: bool) -> dict[str, bytes]:
        if all_said and self._redis.hlen(keys.steps) != len(names):
            raise PastForgotten("The run was made by an earlier version, which did not note its steps")
        stored = self._redis.hmget(keys.steps, names) if names else []
        if None in stored:
            raise RunMissing("the run was removed meanwhile")
        return dict(zip(names, stored, strict=True))

    def _files(self, run_id: str, done: int) -> tuple[dict[bytes, bytes], dict[bytes, bytes], int, int]:
        outcome, undone, *rest = self._scripts.call("past", run_id, NO_STEP, done)
        if outcome == b"missing":
            raise RunMissing(f"no run {run_id!r}")
        if outcome == b"forgotten":
            raise PastForgotten("The files of that time are not stored any more: fork from a later step")
        count, *pairs = rest
        entries = list(zip(pairs[::2], pairs[1::2], strict=True))
        undo_from, undo_bytes = (int(number) for number in undone.split())
        return dict(entries[: int(count)]), dict(entries[int(count) :]), undo_from, undo_bytes

    def _events(self, keys: RunKeys) -> Iterator[Event]:
        after = "-"
        while entries := self._redis.xrange(keys.log, after, "+", count=PAGE):
            for _, entry in entries:
                yield json.loads(entry[b"e"])
            after = f"({entries[-1][0].decode()}"


def _kept(events: Iterator[Event], steps: Sequence[StepRecord], heard: int, said: int) -> Iterator[Event]:
    """What stands of the events of ``steps``, and the messages that were heard."""
    attempts = {(step.name, step.latest.number) for step in steps}
    approvals = {step.name for step in steps if step.name.startswith(APPROVAL)}
    messages: list[Event] = []
    others = []
    for event in events:
        if event["type"] == "user-message":
            messages.append(event)
        elif event["type"] != "rollback" and (
            (event.get("step"), event.get("attempt")) in attempts or event.get("step") in approvals
        ):
            others.append(event)
    # The oldest may have been trimmed from the log.
    missing = said - len(messages)
    messages = messages[: max(0, heard - missing)]
    yield from sorted([*messages, *others], key=lambda event: int(event["id"]))
