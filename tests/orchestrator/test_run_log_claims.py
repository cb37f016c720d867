"""Who has a run: the execution that claimed it, until its lease ends or the run is moved, as its beats are judged."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from orchestrator.runlog import AttemptStale, RunMoved
from tests.orchestrator.conftest import NewRun, Writer


def test_one_execution_of_its_engine_claims_a_run(run: Writer) -> None:
    with pytest.raises(RunMoved):
        run.log.claim(run.run_id, "inngest:01RUN")  # it is a direct run
    assert run.log.claim(run.run_id, "direct:one")
    assert run.log.claim(run.run_id, "direct:one")  # the same call again
    assert not run.log.claim(run.run_id, "direct:two")
    assert run.log.record(run.run_id).fields["claimed"] == "direct:one"


def test_a_lease_is_one_process_until_it_ends(run: Writer) -> None:
    assert run.log.claim(run.run_id, "direct:one", lease=60)
    assert not run.log.claim(run.run_id, "direct:two", lease=60)
    assert run.log.claim(run.run_id, "direct:one", lease=0.001)  # given up
    while not run.log.claim(run.run_id, "direct:two", lease=60):
        pass
    assert not run.log.claim(run.run_id, "direct:one", lease=60)
    with pytest.raises(RunMoved):
        run.log.begin(run.run_id, "a", 0, "nonce", "direct:one")
    run.log.begin(run.run_id, "a", 0, "nonce", "direct:two")


def test_what_had_a_run_that_moved_can_do_nothing_more(run: Writer) -> None:
    """Seen failing without the comparison of executions in begin.lua and end.lua."""
    run.log.claim(run.run_id, "direct:one", lease=60)
    assert run.log.begin(run.run_id, "a", 2, "n1", "direct:one").attempt == 2
    run.append("a", 2, 1, "half")
    beat = run.log.beat(run.run_id)
    assert beat and beat.step == "a"
    assert run.log.move(beat, "inngest", "it moves")
    assert not run.log.move(beat, "inngest", "it moves again")  # judged by a beat that is not the last
    record = run.log.record(run.run_id)
    assert (record.generation, record.request.generation, record.fields["engine"]) == (1, 1, "inngest")
    before = run.state()
    calls: list[Callable[[], object]] = [
        lambda: run.log.begin(run.run_id, "a", 3, "n2", "direct:one"),
        lambda: run.log.begin(run.run_id, "b", 0, "n2", "direct:one"),
        lambda: run.log.claim(run.run_id, "direct:one", lease=60),
        lambda: run.log.fail(run.run_id, "no", "failed", execution="direct:one"),
        lambda: run.log.complete(run.run_id, {}, "direct:one"),
        lambda: run.log.rest(run.run_id, "direct:one", 60),
    ]
    for call in calls:
        with pytest.raises(RunMoved):
            call()
    assert not run.log.claim(run.run_id, "inngest:late", generation=0)
    assert run.state() == before

    assert run.log.claim(run.run_id, "inngest:new", generation=1)
    assert run.log.begin(run.run_id, "a", 0, "n3", "inngest:new").attempt == 3  # the engine counts anew
    assert [event["type"] for event in run.events()] == ["status", "text", "status", "rollback"]
    with pytest.raises(AttemptStale):
        run.append("a", 2, 2, "zombie")


def test_a_run_has_a_beat_that_says_how_long_the_next_may_take(new_run: NewRun) -> None:
    run = new_run(lease=6, stall=15)

    def silence() -> int:
        beat = run.log.beat(run.run_id)
        assert beat and abs(run.log.beats([])[0] - beat.at) < 5000
        return beat.silence

    assert silence() == 15_000
    run.log.claim(run.run_id, "direct:one")
    run.log.begin(run.run_id, "a", 0, "n", "direct:one")
    assert silence() == 6_000
    run.append("a", 0, 1, "x")
    assert silence() == 6_000
    run.log.rest(run.run_id, "direct:one", 100)
    assert silence() == 115_000
    run.commit("a", 0, 1, 2)
    assert silence() == 15_000
    run.log.complete(run.run_id, {})
    assert run.log.beat(run.run_id) is None


def test_a_note_is_no_beat(run: Writer) -> None:
    beat = run.log.beat(run.run_id)
    assert beat
    run.log.note(beat, "Waiting", "3")
    assert run.log.beat(run.run_id) == replace(beat, noted=f"{beat.at} 3")
    run.begin("a")
    run.log.note(beat, "Waiting", "2")  # it does not wait any more
    assert [event["data"] for event in run.events()] == ["Accepted", "Waiting"]
