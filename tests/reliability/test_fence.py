"""An attempt that a newer one has overtaken can change nothing, however it tries."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from agent.entries import Entry
from agent.protocols import Emit
from lab.sse import parse
from orchestrator.drain import Drain
from orchestrator.redact import Redactor
from orchestrator.runlog import AttemptStale, RunEnded, RunLog
from orchestrator.steps import DurableSteps, EmitterSettings, emitter

SECONDS = 20.0

WRITES: dict[str, Callable[[Emit], None]] = {
    "emit": lambda emit: emit("status", "too late"),
    "check": lambda emit: emit.check(),
    "commit": lambda emit: emit.keep({"late.txt": Entry(b"too late")}),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_the_next_thing_that_a_stale_attempt_does_raises(
    write: Callable[[Emit], None], run_log: RunLog, new_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `refusal` taken out of append.lua and commit.lua, no case raised, and the stale text stood in the log."""
    monkeypatch.setattr(emitter, "CHECK_SECONDS", 0.0)
    steps = DurableSteps(run_log, _settings())
    is_held, may_go_on = threading.Event(), threading.Event()

    def stale(emit: Emit) -> str:
        emit("text", "of the stale attempt")
        is_held.set()
        assert may_go_on.wait(SECONDS)
        write(emit)
        return "stale"

    def fresh(emit: Emit) -> str:
        emit("text", "of the newer attempt")
        may_go_on.set()
        thread.join(SECONDS)
        return "fresh"

    outcome: list[Any] = []
    thread = threading.Thread(target=lambda: outcome.append(_result(lambda: steps.attempt(new_run, "work", stale))))
    thread.start()
    assert is_held.wait(SECONDS)
    assert steps.attempt(new_run, "work", fresh) == "fresh"

    assert isinstance(outcome[0], AttemptStale)
    assert run_log.results(new_run) == {"work": "fresh"}
    assert run_log.files(new_run) == {}
    events = _events(run_log, new_run)
    assert [event["type"] for event in events] == ["status", "text", "rollback", "text"]
    assert events[2]["data"]["fromId"] == events[2]["data"]["toId"] == 2
    assert [event["attempt"] for event in events[1:]] == [0, 1, 1]


def test_an_attempt_that_comes_too_late_takes_the_stored_result(run_log: RunLog, new_run: str) -> None:
    """Its own would be another than what viewers saw. Seen when `commit` took "done" for its own success."""
    steps = DurableSteps(run_log, _settings())

    def slow(emit: Emit) -> str:
        assert steps.attempt(new_run, "work", lambda emit: "fresh") == "fresh"
        return "stale"

    assert steps.attempt(new_run, "work", slow) == "fresh"


def test_an_attempt_that_arrives_after_a_newer_one_does_not_begin(run_log: RunLog, new_run: str) -> None:
    """A call that was held up on the network. Without the comparison in begin.lua it took over as attempt 2."""
    assert run_log.begin(new_run, "work", 1, "newer").attempt == 1
    with pytest.raises(AttemptStale):
        run_log.begin(new_run, "work", 0, "older")
    run_log.commit(new_run, "work", 1, "done", 1, [], {})


def test_a_begin_that_is_repeated_after_a_lost_reply_is_the_same_attempt(run_log: RunLog, new_run: str) -> None:
    """Without the nonce the repeat fenced the very attempt that had asked."""
    assert run_log.begin(new_run, "work", 0, "me").attempt == 0
    assert run_log.begin(new_run, "work", 0, "me").attempt == 0
    run_log.append(new_run, "work", 0, 1, ['"type":"status"}'])


def test_nothing_follows_the_terminal_event(run_log: RunLog, new_run: str) -> None:
    """Without the look at the status (ENDED in _run.lua) the append and the second end were stored."""
    run_log.begin(new_run, "work", 0, "me")
    assert run_log.fail(new_run, "over", "cancelled")
    before = _events(run_log, new_run)
    with pytest.raises(RunEnded):
        run_log.append(new_run, "work", 0, 1, ['"type":"status"}'])
    with pytest.raises(RunEnded):
        run_log.commit(new_run, "work", 0, "late", 1, ['"type":"status"}'], {"late.txt": b"late"})
    with pytest.raises(RunEnded):
        run_log.begin(new_run, "more", 0, "me")
    assert not run_log.complete(new_run, {})
    assert not run_log.fail(new_run, "again", "failed")
    assert _events(run_log, new_run) == before
    assert run_log.record(new_run).status == "cancelled"
    assert (run_log.results(new_run), run_log.files(new_run)) == ({}, {})


def _settings() -> EmitterSettings:
    return EmitterSettings(redact=Redactor.from_environment({}), drain=Drain(20))


def _result(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        return error


def _events(run_log: RunLog, run_id: str) -> list[dict[str, Any]]:
    return [parse(event.decode()) for event in run_log.read(run_id, 0, 1000).events]
