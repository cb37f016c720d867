"""The run log against a model of it in plain Python: whatever is done in whatever order, the two agree.

Seen to fail, within a few examples each, with `publish_once` storing repeats, with `refusal` always nil, with begin.lua
not clearing `produced`, and with commit.lua storing files of stale attempts.
"""

from itertools import count
from typing import Any

import pytest
import redis
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lab.sse import parse
from orchestrator.events import RunRequested
from orchestrator.runlog import AttemptStale, Begun, RunEnded, RunLog, RunMissing
from tests.reliability.run_model import STEPS, Attempt, Model, Reader

NONCES = ("a", "b", "c")
DICE = st.sampled_from(range(12))  # what ends everything must be rare, or little happens
CI = settings(
    max_examples=100,
    stateful_step_count=40,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
)

_numbers = count(1)


class RunLogAgainstModel(RuleBasedStateMachine):
    log: RunLog  # set by the test, as is the client
    client: "redis.Redis"

    @initialize()
    def create(self) -> None:
        self.run_id = f"run_model_{next(_numbers)}"
        self.request = RunRequested(run_id=self.run_id, project_id="tests", value="something")
        self.model = Model()
        self.attempts: list[Attempt] = []
        self.readers = [Reader(), Reader(), Reader()]
        assert self.log.create(self.request, "direct", "Accepted")
        self.model.publish(type="status")

    @rule()
    @precondition(lambda self: self.model.status is not None)
    def create_again(self) -> None:
        assert not self.log.create(self.request, "direct", "Accepted again")

    @rule(step=st.sampled_from(STEPS), engine_attempt=st.integers(0, 2), nonce=st.sampled_from(NONCES))
    def begin(self, step: str, engine_attempt: int, nonce: str) -> None:
        model, current = self.model, self.model.current.get(step)

        def call() -> Begun:
            return self.log.begin(self.run_id, step, engine_attempt, nonce)

        if model.status is None:
            return self._refused(RunMissing, call)
        if step in model.results:
            assert call() == Begun(attempt=0, result=model.results[step], done=True)
        elif model.ended:
            self._refused(RunEnded, call)
        elif current and model.nonces[step] == nonce:
            assert call() == self._begun(current)
        elif current and engine_attempt < model.engine_attempts.get(step, 0):
            self._refused(AttemptStale, call)
        else:
            number = max(engine_attempt, current.number + 1) if current else engine_attempt
            if current and current.ids:
                data = {"step": step, "attempt": current.number, "fromId": current.ids[0], "toId": current.ids[-1]}
                model.publish(type="rollback", step=step, attempt=number, data=data)
            if current and not current.has_failed:
                model.past[step].interrupted += 1
            model.status = "running"
            model.current[step] = attempt = Attempt(step, number)
            model.engine_attempts[step], model.nonces[step] = engine_attempt, nonce
            self.attempts.append(attempt)
            assert call() == self._begun(attempt)
        return None

    def _begun(self, attempt: Attempt) -> Begun:
        past = self.model.past[attempt.step]
        return Begun(attempt.number, past.failed, past.interrupted, past.spent)

    @rule(data=st.data(), spent=st.integers(0, 9))
    @precondition(lambda self: self.attempts)
    def retry(self, data: st.DataObject, spent: int) -> None:
        """An attempt fails: what it has published is void at once, and it may write nothing more."""
        attempt, model = self._draw_attempt(data), self.model
        refusal = model.refusal(attempt)

        def call() -> None:
            self.log.retry(self.run_id, attempt.step, attempt.number, "busy", "again", spent)

        if attempt.has_failed and refusal is AttemptStale and model.current.get(attempt.step) is attempt:
            return call()  # changes nothing: the invariants see to that
        if refusal is not None:
            return self._refused(refusal, call)
        step, ids = attempt.step, attempt.ids
        if ids:
            span = {"step": step, "attempt": attempt.number, "fromId": ids[0], "toId": ids[-1]}
            model.publish(type="rollback", step=step, attempt=attempt.number + 1, data=span)
        model.publish(type="status")
        model.past[step].failed += 1
        model.past[step].spent += spent
        attempt.has_failed, attempt.ids = True, []
        return call()

    @rule(data=st.data(), fresh=st.integers(0, 3))
    @precondition(lambda self: self.attempts)
    def append(self, data: st.DataObject, fresh: int) -> None:
        """New events after a repeat of any number of those that the attempt has published before."""
        attempt = self._draw_attempt(data)
        first = data.draw(st.integers(1, len(attempt.bodies) + 1))
        bodies = attempt.bodies[first - 1 :] + _bodies(fresh)
        self._write(
            attempt, first, bodies, lambda: self.log.append(self.run_id, attempt.step, attempt.number, first, bodies)
        )

    @rule(data=st.data(), fresh=st.integers(0, 2), path=st.sampled_from(["x", "y"]), deletes=st.booleans())
    @precondition(lambda self: self.attempts)
    def commit(self, data: st.DataObject, fresh: int, path: str, deletes: bool) -> None:
        attempt = self._draw_attempt(data)
        result, content = f"result {next(_numbers)}", None if deletes else b"content %d" % next(_numbers)
        first, bodies = len(attempt.bodies) + 1, _bodies(fresh)

        def call() -> None:
            self.log.commit(self.run_id, attempt.step, attempt.number, result, first, bodies, {path: content})

        if self.model.status is not None and attempt.step in self.model.results:
            return call()  # changes nothing: the invariants see to that
        if self._write(attempt, first, bodies, call):
            self.model.results[attempt.step] = result
            self.model.files.pop(path, None)
            if content is not None:
                self.model.files[path] = content
            del self.model.current[attempt.step]
        return None

    @rule(how=st.sampled_from(["complete", "failed", "cancelled"]), dice=DICE)
    def end(self, how: Any, dice: int) -> None:
        if dice != 1 and not self.model.ended:
            return None

        def call() -> bool:
            if how == "complete":
                return self.log.complete(self.run_id, {})
            return self.log.fail(self.run_id, "over", how, receipt=how == "cancelled")

        if self.model.status is None:
            return self._refused(RunMissing, call)
        assert call() is not self.model.ended
        if not self.model.ended:
            self.model.status = how
            self.model.publish(type="complete" if how == "complete" else "error")
        return None

    @rule(dice=DICE)
    def move(self, dice: int) -> None:
        """The run goes to another engine: that one counts its attempts anew, and what was published stands."""
        if dice != 0:
            return
        beat = self.log.beat(self.run_id)
        assert (beat is None) is (self.model.status is None or self.model.ended)
        if beat is not None:
            assert self.log.move(beat, "inngest", "moved")
            self.model.publish(type="status")
            self.model.engine_attempts.clear()

    @rule(keep=st.integers(0, 10))
    @precondition(lambda self: self.model.status is not None)
    def trim(self, keep: int) -> None:
        """As a log that has grown too long."""
        self.client.xtrim(f"agent:{{{self.run_id}}}:log", maxlen=keep, approximate=False)
        self.model.trimmed = max(self.model.trimmed, len(self.model.events) - keep)

    @rule(dice=DICE)
    def empty(self, dice: int) -> None:
        """As a Redis that was emptied."""
        if dice == 1:
            self.client.delete(*(f"agent:{{{self.run_id}}}:{part}" for part in ("run", "log", "steps", "files")))
            self.model.status = None

    @rule(number=st.integers(0, 2), size=st.integers(1, 5))
    def read(self, number: int, size: int) -> None:
        """A reader comes back with its cursor: it gets what follows, and is told what it cannot get."""
        reader = self.readers[number]
        if self.model.status is None:
            return self._refused(RunMissing, lambda: self.log.read(self.run_id, reader.cursor, size))
        page = self.log.read(self.run_id, reader.cursor, size)
        first = max(reader.cursor, self.model.trimmed) + 1
        assert (page.status, page.last, page.first) == (self.model.status, len(self.model.events), first)
        assert len(page.events) == min(size, len(self.model.events) - first + 1)
        reader.gaps |= set(range(reader.cursor + 1, first))
        for place, event in enumerate(page.events, page.first):
            assert place not in reader.seen
            reader.seen[place] = event
            _assert_same(event, self.model.events[place - 1])
        reader.cursor = page.first + len(page.events) - 1
        assert reader.seen.keys() | reader.gaps == set(range(1, reader.cursor + 1))
        return None

    @invariant()
    def agrees(self) -> None:
        model = self.model
        if model.status is None:
            return
        record = self.log.record(self.run_id)
        assert (record.status, record.last, record.ended) == (model.status, len(model.events), model.ended)
        assert self.log.results(self.run_id) == model.results
        assert self.log.files(self.run_id) == model.files

    @invariant()
    def ends_once_and_last(self) -> None:
        ends = [event["id"] for event in self.model.events if event["type"] in ("complete", "error")]
        assert ends == ([len(self.model.events)] if self.model.ended else ends[:1])

    def teardown(self) -> None:
        """All readers follow to where the log stands: whoever saw an event saw the same one."""
        if not hasattr(self, "model") or self.model.status is None:
            return
        for number, reader in enumerate(self.readers):
            while reader.cursor < len(self.model.events):
                self.read(number, 5)

    def _draw_attempt(self, data: st.DataObject) -> Attempt:
        """Most often one of the latest; the others are stale."""
        return self.attempts[-1 - data.draw(st.sampled_from((0, 0, 0, 1, 1, 2, 5))) % len(self.attempts)]

    def _write(self, attempt: Attempt, first: int, bodies: list[str], call: Any) -> bool:
        refusal = self.model.refusal(attempt)
        if refusal:
            self._refused(refusal, call)
            return False
        call()
        for body in bodies[len(attempt.bodies) - first + 1 :]:
            attempt.bodies.append(body)
            attempt.ids.append(self.model.publish(type="body", body=body))
        return True

    def _refused(self, error: type[Exception], call: Any) -> None:
        with pytest.raises(error):
            call()


def test_the_run_log_does_what_its_model_does(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        RunLogAgainstModel.log, RunLogAgainstModel.client = RunLog(client), client
        run_state_machine_as_test(RunLogAgainstModel, settings=CI)


def _bodies(number: int) -> list[str]:
    return [f'"type":"body","body":"{next(_numbers)}"}}' for _ in range(number)]


def _assert_same(stored: bytes, expected: dict[str, Any]) -> None:
    if expected["type"] == "body":
        assert stored.decode() == f'{{"id":{expected["id"]},{expected["body"]}'
        return
    event = parse(stored.decode())
    for name, value in expected.items():
        if name == "data":
            assert value.items() <= event["data"].items()
        else:
            assert event[name] == value
