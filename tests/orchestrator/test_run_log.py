"""The run log's scripts against the real Redis: numbers, fences, rollbacks, and calls that come twice."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from orchestrator.redact import MASK, Redactor
from orchestrator.runlog import AttemptStale, RunEnded, RunMissing, RunMoved
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.run_files import BESIDE
from tests.orchestrator.conftest import NewRun, Writer


def ids(writer: Writer) -> list[int]:
    return [event["id"] for event in writer.events()]


def test_a_run_is_created_once_with_its_first_event(run: Writer) -> None:
    before = run.state()
    assert not run.create()
    assert run.state() == before
    (first,) = run.events()
    assert (first["id"], first["type"], first["data"], first["runId"]) == (1, "status", "Accepted", run.run_id)
    assert run.log.record(run.run_id).status == "queued"


def test_events_are_numbered_without_holes_across_steps_and_writers(run: Writer) -> None:
    steps = [f"tool-{n}" for n in range(8)]
    for step in steps:
        run.begin(step)

    def write(step: str) -> None:
        for number in range(1, 21):
            run.append(step, 0, number, f"{step} {number}")

    threads = [threading.Thread(target=write, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = run.events()
    assert [event["id"] for event in events] == list(range(1, 8 * 20 + 2))
    for step in steps:
        assert [event["data"] for event in events if event["step"] == step] == [f"{step} {n}" for n in range(1, 21)]


def test_a_repeated_append_changes_nothing(run: Writer) -> None:
    """A client repeats a call whose reply it did not get (seen failing without the producer's own numbers)."""
    run.begin("a")
    run.append("a", 0, 1, "one", "two")
    before = run.state()
    run.append("a", 0, 1, "one", "two")
    run.append("a", 0, 2, "two")
    assert run.state() == before


def test_an_append_that_overlaps_adds_only_what_is_new(run: Writer) -> None:
    run.begin("a")
    run.append("a", 0, 1, "one", "two")
    run.append("a", 0, 2, "two", "three")
    assert [event["data"] for event in run.events()[1:]] == ["one", "two", "three"]


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


def test_a_commit_stores_events_files_and_result_at_once(run: Writer) -> None:
    run.begin("a")
    assert run.commit("a", 0, {"n": 1}, 1, "last", **{"a.txt": b"\x00\xff"}) == {"n": 1}
    assert run.events()[-1]["data"] == "last"
    assert run.log.files(run.run_id) == {"a.txt": b"\x00\xff"}
    assert run.log.results(run.run_id) == {"a": {"n": 1}}


def test_a_commit_deletes_files(run: Writer) -> None:
    run.begin("a")
    run.commit("a", 0, None, 1, **{"a.txt": b"a", "b.txt": b"b"})
    run.begin("b")
    run.log.commit(run.run_id, "b", 0, None, 1, [], {"a.txt": None, "c.txt": b"c"})
    assert run.log.files(run.run_id) == {"b.txt": b"b", "c.txt": b"c"}


def test_a_repeated_commit_changes_nothing_and_gives_the_first_result(run: Writer) -> None:
    run.begin("a")
    run.commit("a", 0, "first", 1, "one", file=b"1")
    before = run.state()
    assert run.commit("a", 0, "first", 1, "one", file=b"1") == "first"
    assert run.commit("a", 0, "another", 1, "two", file=b"2") == "first"
    assert run.state() == before


def test_a_finished_step_is_remembered_and_not_begun_again(run: Writer) -> None:
    run.begin("a")
    run.commit("a", 0, {"n": 1})
    before = run.state()
    begun = run.log.begin(run.run_id, "a", 5, "later")
    assert (begun.done, begun.result) == (True, {"n": 1})
    assert run.state() == before
    with pytest.raises(AttemptStale):
        run.append("a", 0, 1, "too late")


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


def test_a_long_log_is_trimmed_and_a_reader_can_tell(new_run: NewRun) -> None:
    """Redis trims by whole nodes of 100 entries."""
    run = new_run(max_events=100)
    run.begin("a")
    for start in range(1, 1001, 100):
        run.append("a", 0, start, *(f"{n}" for n in range(start, start + 100)))
    page = run.log.read(run.run_id, 0, 10)
    assert page.first > 1
    assert (page.last, len(page.events)) == (1001, 10)
    assert json.loads(page.events[0])["id"] == page.first
    assert run.events(after=1000)[0]["data"] == "1000"


def test_pages_follow_each_other(run: Writer) -> None:
    run.begin("a")
    run.append("a", 0, 1, *map(str, range(9)))
    seen, after = [], 0
    while (page := run.log.read(run.run_id, after, 4)).events:
        assert page.first == after + 1
        seen += page.events
        after += len(page.events)
    assert [json.loads(event)["id"] for event in seen] == list(range(1, 11))
    assert (page.first, page.last, page.ended) == (11, 10, False)
    run.log.complete(run.run_id, {})
    assert run.log.read(run.run_id, 10, 4).ended


def test_the_channel_gets_each_event_as_it_is_stored(run: Writer) -> None:
    with run.client.pubsub() as pubsub:
        pubsub.subscribe(f"agent:{run.run_id}")
        assert pubsub.get_message(timeout=10)["type"] == "subscribe"
        run.begin("a")
        run.append("a", 0, 1, "one", "two")
        run.commit("a", 0, 1, 3, "three")
        run.log.complete(run.run_id, {"title": "é"})
        stored = run.log.read(run.run_id, 1, 100).events
        published = [pubsub.get_message(timeout=10)["data"] for _ in stored]
        assert published == stored
        assert pubsub.get_message(timeout=0) is None


def test_secrets_are_masked_in_the_terminal_event(redis_url: str, new_run: NewRun) -> None:
    run = new_run()
    run.log.redact = Redactor(frozenset({"sk-secret"}))
    run.log.complete(run.run_id, {"summary": "it is sk-secret", "files": {"sk-secret.txt": "sk-secret"}})
    assert run.events()[-1]["data"] == {"summary": f"it is {MASK}", "files": {f"{MASK}.txt": MASK}}


def test_scripts_survive_a_redis_that_forgot_them(run: Writer, redis_client: "redis.Redis") -> None:
    run.client.script_flush()
    run.begin("a")
    run.append("a", 0, 1, "one")
    assert ids(run) == [1, 2]
