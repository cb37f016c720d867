"""Attempts of a step: a newer one fences the older off, takes back what that published, and is told how it ended."""

import pytest

from orchestrator.runlog import AttemptStale
from orchestrator.runlog.keys import RunKeys
from tests.orchestrator.conftest import Writer, ids


def test_a_newer_attempt_fences_the_older_one_off(run: Writer) -> None:
    """Seen failing without the comparison of attempts in _run.lua."""
    first = run.begin("a")
    second = run.begin("a", 1)
    assert (first, second) == (0, 1)
    before = run.state()
    with pytest.raises(AttemptStale):
        run.append("a", first, 1, "zombie")
    with pytest.raises(AttemptStale):
        run.log.fence(run.run_id, "a", first)
    with pytest.raises(AttemptStale):
        run.commit("a", first, "zombie's", 1, "zombie", file=b"zombie")
    assert run.state() == before
    run.log.fence(run.run_id, "a", second)


def test_an_older_attempt_of_the_engine_cannot_begin_after_a_newer_one(run: Writer) -> None:
    """An overtaken HTTP call that arrives late."""
    run.begin("a", 2)
    before = run.state()
    with pytest.raises(AttemptStale):
        run.begin("a", 1)
    assert run.state() == before


def test_the_same_begin_twice_is_one_attempt(run: Writer) -> None:
    assert run.begin("a", 0, "nonce") == 0
    run.append("a", 0, 1, "one")
    before = run.state()
    assert run.begin("a", 0, "nonce") == 0
    assert run.state() == before
    assert run.begin("a", 0, "other") == 1


def test_what_a_stale_attempt_has_published_is_rolled_back(run: Writer) -> None:
    """Seen failing without the publication of `rollback`."""
    run.begin("a")
    run.append("a", 0, 1, "one", "two")
    run.begin("b")
    run.append("b", 0, 1, "of another step")
    run.append("a", 0, 3, "three")
    run.begin("a", 1)
    rollback = run.events()[-1]
    assert rollback["type"] == "rollback"
    assert rollback["data"]["step"] == "a"
    assert (rollback["data"]["attempt"], rollback["data"]["fromId"]) == (0, 2)
    assert rollback["data"]["reason"]
    assert (rollback["step"], rollback["attempt"]) == ("a", 1)
    assert ids(run) == list(range(1, len(ids(run)) + 1))


def test_an_attempt_that_said_nothing_needs_no_rollback(run: Writer) -> None:
    run.begin("a")
    run.begin("a", 1)
    assert [event["type"] for event in run.events()] == ["status"]


def test_each_attempt_is_rolled_back_once(run: Writer) -> None:
    for attempt in range(3):
        assert run.begin("a", attempt) == attempt
        run.append("a", attempt, 1, f"attempt {attempt}")
    run.commit("a", 2, "done", 2, "the end")
    events = run.events()
    assert [event["type"] for event in events] == ["status", *["text", "rollback"] * 2, "text", "text"]
    rollbacks = [event["data"] for event in events if event["type"] == "rollback"]
    assert [(each["fromId"], each["toId"]) for each in rollbacks] == [(2, 2), (4, 4)]


def test_a_failure_rolls_back_at_once_and_says_when_it_is_tried_again(run: Writer) -> None:
    """FINDINGS D5: the rollback came when the next attempt began, so a long wait looked like a hang."""
    run.begin("a")
    run.append("a", 0, 1, "one", "two")
    for _ in range(2):  # a lost reply, and the call again
        run.log.retry(run.run_id, "a", 0, "busy", "again in 7 s, 2 of 4", 30)
    rollback, status = run.events(after=3)
    assert (rollback["type"], rollback["attempt"]) == ("rollback", 1)
    assert rollback["data"] == {"step": "a", "reason": "busy", "attempt": 0, "fromId": 2, "toId": 3}
    assert (status["type"], status["data"]) == ("status", "busy; again in 7 s, 2 of 4")

    begun = run.log.begin(run.run_id, "a", 0, "next")
    assert (begun.attempt, begun.failed, begun.interrupted, begun.spent) == (1, 1, 0, 30)
    assert len(run.events()) == 5, "rolled back twice"


def test_attempts_that_fell_silent_are_counted_apart(run: Writer) -> None:
    run.begin("a")
    run.begin("a")
    run.log.retry(run.run_id, "a", 1, "busy", "soon", 5)
    begun = run.log.begin(run.run_id, "a", 0, "x")
    assert begun == run.log.begin(run.run_id, "a", 0, "x")
    assert (begun.failed, begun.interrupted, begun.spent) == (1, 1, 5)
    run.commit("a", 2, "done")
    assert not any(b"failed" in name or b"interrupted" in name for name in run.client.hgetall(RunKeys(run.run_id).run))


def test_a_stale_attempt_cannot_report_its_failure(run: Writer) -> None:
    run.begin("a")
    run.begin("a")
    with pytest.raises(AttemptStale):
        run.log.retry(run.run_id, "a", 0, "busy", "soon", 0)
