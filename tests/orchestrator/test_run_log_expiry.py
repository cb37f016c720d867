"""Everything of a run expires, nothing of it while the run is heard of, and nothing is written for one that is gone."""

from collections.abc import Callable

import pytest

from orchestrator.runlog import RunMissing
from orchestrator.runlog.keys import RunKeys
from tests.orchestrator.conftest import NewRun


def test_every_beat_keeps_all_of_a_run_alive(new_run: NewRun) -> None:
    """Seen failing without keep_alive in `beat`: files of a run that only streamed text expired."""
    run = new_run(ttl=100)
    run.begin("a")
    run.commit("a", 0, 1, 1, "x", file=b"x")
    run.begin("b")
    run.log.inbox.say(run.run_id, "hello")
    for key in RunKeys(run.run_id).all:
        run.client.expire(key, 50)
    run.append("b", 0, 1, "x")
    assert run.client.ttl(RunKeys(run.run_id).files) <= 50  # not at every beat
    run.client.hset(RunKeys(run.run_id).run, "kept", 0)
    run.append("b", 0, 2, "y")
    assert {run.client.ttl(key) for key in RunKeys(run.run_id).all} <= {99, 100}


def test_everything_of_a_run_expires(new_run: NewRun) -> None:
    run = new_run(ttl=100)
    run.begin("a")
    run.commit("a", 0, 1, 1, "x", file=b"x")
    run.log.inbox.say(run.run_id, "hello")
    run.log.complete(run.run_id, {})
    for key in RunKeys(run.run_id).all:
        assert 0 < run.client.ttl(key) <= 100, key


def test_what_a_commit_stores_for_the_first_time_expires_too(new_run: NewRun) -> None:
    """Seen failing without keep_alive in commit.lua: files that a later step was the first to store stayed for ever."""
    run = new_run(ttl=100)
    run.begin("a")
    run.commit("a", 0, 1)
    run.begin("b")
    run.commit("b", 0, 1, file=b"x")
    keys = [key for key in RunKeys(run.run_id).all if run.client.exists(key)]
    assert RunKeys(run.run_id).files in keys
    assert all(0 < run.client.ttl(key) <= 100 for key in keys)


@pytest.mark.parametrize("what", ["begin", "append", "commit", "claim", "fail", "complete", "read", "record"])
def test_nothing_is_written_for_a_run_that_is_not_there(new_run: NewRun, what: str) -> None:
    run = new_run()
    run.client.delete(*RunKeys(run.run_id).all)
    calls: dict[str, Callable[[], object]] = {
        "begin": lambda: run.begin("a"),
        "append": lambda: run.append("a", 0, 1, "x"),
        "commit": lambda: run.commit("a", 0, 1),
        "claim": lambda: run.log.claim(run.run_id, "direct:one"),
        "fail": lambda: run.log.fail(run.run_id, "x", "failed"),
        "complete": lambda: run.log.complete(run.run_id, {}),
        "read": lambda: run.log.read(run.run_id, 0, 10),
        "record": lambda: run.log.record(run.run_id),
    }
    with pytest.raises(RunMissing):
        calls[what]()
    assert run.state() == {}
