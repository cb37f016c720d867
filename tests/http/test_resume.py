"""A client that lost its connection goes on exactly where it was."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import (
    EVENT_STREAM,
    Event,
    assert_whole,
    events_of,
    follow,
    post_run,
    sse_events,
    start_run,
)
from tools.processes import wait_until

WORDS = ("one ", "two ", "three ", "four ")


def text_of(events: list[Event]) -> str:
    return "".join(event["data"] for event in events if event["type"] == "text")


def read_until_text(events: list[Event], source: Iterator[Event]) -> None:
    for event in source:
        events.append(event)
        if event["type"] == "text":
            return


@pytest.mark.parametrize("by", ["Last-Event-ID", "after"])
def test_a_cut_connection_misses_nothing_and_repeats_nothing(
    by: str, scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Cut while the run goes on, come back while it still goes on, cut again; then see the end.

    Seen failing with a follower that does not move its cursor.
    """
    gate, seen = Gate(), list[Event]()
    value = model_server.script(unique("cut"), gate)
    with post_run(scripted_service, value=value, headers=EVENT_STREAM) as response:
        run_id = response.headers["x-run-id"]
        gate.say(WORDS[0])
        read_until_text(seen, sse_events(response))
    gate.say(WORDS[1])
    wait_until(lambda: last_id(scripted_service, run_id) > seen[-1]["id"], 10, "the run to go on without a viewer")
    with _resume(scripted_service, run_id, by, seen[-1]["id"]) as response:
        read_until_text(seen, sse_events(response))
    gate.say(WORDS[2])
    with _resume(scripted_service, run_id, by, seen[-1]["id"]) as response:
        rest = sse_events(response)
        read_until_text(seen, rest)
        gate.finish(WORDS[3])
        seen += rest
    assert_whole(seen)
    assert text_of(seen) == "".join(WORDS)
    assert seen == events_of(scripted_service, run_id)


def last_id(service: Service, run_id: str) -> int:
    return int(service.http.get(f"/agent/run/{run_id}").json()["lastEventId"])


def _resume(service: Service, run_id: str, by: str, after: int) -> AbstractContextManager[httpx.Response]:
    if by == "Last-Event-ID":
        return follow(service, run_id, after)
    return service.http.stream("GET", f"/agent/run/{run_id}/events?after={after}", headers=EVENT_STREAM)


def test_every_cursor_of_a_finished_run_gives_exactly_the_rest(service: Service, finished: list[Event]) -> None:
    run_id = finished[0]["runId"]
    for after in range(len(finished) - 1):
        assert events_of(service, run_id, after) == finished[after:]


def test_there_is_nothing_after_the_terminal_event(service: Service, finished: list[Event]) -> None:
    """204 is what makes an EventSource stop."""
    run_id, last = finished[-1]["runId"], finished[-1]["id"]
    with follow(service, run_id, last) as response:
        assert (response.status_code, response.read()) == (204, b"")
    assert service.http.get(f"/agent/run/{run_id}/events", params={"after": last}).status_code == 204


def test_a_viewer_at_the_newest_event_of_a_running_run_waits_for_the_next(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    run_id = start_run(scripted_service, value=model_server.script(unique("newest"), gate))
    gate.wait_until_asked()
    gate.say(WORDS[0])
    first = events_up_to_text(scripted_service, run_id)
    with follow(scripted_service, run_id, first[-1]["id"]) as response:
        assert response.status_code == 200
        gate.finish(WORDS[1])
        rest = list(sse_events(response))
    assert_whole(first + rest)


def events_up_to_text(service: Service, run_id: str) -> list[Event]:
    seen: list[Event] = []
    with follow(service, run_id) as response:
        read_until_text(seen, sse_events(response))
    return seen


def test_last_event_id_wins_over_after(service: Service, finished: list[Event]) -> None:
    """An EventSource keeps its URL with `?after=` when it reconnects with a newer id."""
    url = f"/agent/run/{finished[0]['runId']}/events?after=1"
    with service.http.stream("GET", url, headers=EVENT_STREAM | {"Last-Event-ID": "5"}) as response:
        assert list(sse_events(response)) == finished[5:]


def test_many_viewers_of_one_run_see_the_same(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    run_id = start_run(scripted_service, value=model_server.script(unique("crowd"), gate))
    gate.wait_until_asked()
    with follow(scripted_service, run_id) as one, follow(scripted_service, run_id, 2) as two:
        gate.finish(*WORDS)
        all_events, later = list(sse_events(one)), list(sse_events(two))
    assert_whole(all_events)
    assert later == all_events[2:]
