"""A run's events: numbered without holes, each once, read in pages, and in the channel as they are stored."""

import json
import threading

import redis

from tests.orchestrator.conftest import NewRun, Writer, ids


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


def test_scripts_survive_a_redis_that_forgot_them(run: Writer, redis_client: "redis.Redis") -> None:
    run.client.script_flush()
    run.begin("a")
    run.append("a", 0, 1, "one")
    assert ids(run) == [1, 2]
