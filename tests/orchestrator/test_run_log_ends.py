"""A run ends once, nothing is written after that, and its last event says what had been done."""

import threading
from collections.abc import Callable

import pytest

from orchestrator.redact import MASK, Redactor
from orchestrator.runlog import RunEnded
from orchestrator.runlog.run_files import BESIDE
from tests.orchestrator.conftest import NewRun, Writer


@pytest.mark.parametrize("code", ["failed", "cancelled", "timeout", "lost"])
def test_a_run_ends_once(run: Writer, code: str) -> None:
    """Seen failing without the look at the status in end.lua."""
    run.begin("a")
    assert run.log.fail(run.run_id, "no", code)  # type: ignore[arg-type]
    before = run.state()
    assert not run.log.fail(run.run_id, "again", "failed")
    assert not run.log.complete(run.run_id, {"title": "too late"})
    writes: list[Callable[[], object]] = [
        lambda: run.append("a", 0, 1, "too late"),
        lambda: run.commit("a", 0, "too late", 1, "too late", file=b"x"),
        lambda: run.begin("b"),
        lambda: run.log.claim(run.run_id, "direct:one"),
    ]
    for write in writes:
        with pytest.raises(RunEnded) as ended:
            write()
        assert ended.value.status == code
    assert run.state() == before
    end = run.events()[-1]
    assert (end["type"], end["data"], end["code"]) == ("error", "no", code)


def test_many_ends_at_once_are_one(run: Writer) -> None:
    won: list[bool] = []

    def end(number: int) -> None:
        won.append(run.log.fail(run.run_id, f"end {number}", "failed"))

    threads = [threading.Thread(target=end, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    assert [event["type"] for event in run.events()] == ["status", "error"]


def test_a_memo_outlives_the_end(run: Writer) -> None:
    """Inngest may ask for a step again whose run has ended meanwhile."""
    run.begin("a")
    run.commit("a", 0, 1)
    run.log.complete(run.run_id, {})
    assert run.log.begin(run.run_id, "a", 0, "x").done


def test_a_receipt_says_what_had_been_done(run: Writer) -> None:
    run.begin("b")
    run.commit("b", 0, 1, 1, **{"b.txt": b"", "a.txt": b"", BESIDE: b"{}"})  # the last is no file
    run.begin("a")
    run.log.fail(run.run_id, "stop", "cancelled", receipt=True)
    assert run.events()[-1]["receipt"] == {
        "stepsDone": ["b"],
        "stepInterrupted": "a",
        "filesWritten": ["a.txt", "b.txt"],
    }


def test_a_receipt_of_nothing_is_empty(run: Writer) -> None:
    run.log.fail(run.run_id, "stop", "cancelled", receipt=True)
    assert run.events()[-1]["receipt"] == {"stepsDone": [], "stepInterrupted": None, "filesWritten": []}


def test_secrets_are_masked_in_the_terminal_event(redis_url: str, new_run: NewRun) -> None:
    run = new_run()
    run.log.redact = Redactor(frozenset({"sk-secret"}))
    run.log.complete(run.run_id, {"summary": "it is sk-secret", "files": {"sk-secret.txt": "sk-secret"}})
    assert run.events()[-1]["data"] == {"summary": f"it is {MASK}", "files": {f"{MASK}.txt": MASK}}
