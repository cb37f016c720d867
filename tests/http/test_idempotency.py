"""A POST that is sent again with its Idempotency-Key starts no second run."""

from collections.abc import Callable

import httpx

from lab.service import Service
from lab.sse import EVENT_STREAM, assert_whole, post_run, sse_events, start_run
from tests.http.conftest import contents

BODY = {"projectId": "p1", "value": "a tip calculator", "model": "offline"}


def post_for_json(service: Service, key: str, **body: str) -> httpx.Response:
    headers = {"Accept": "application/json", "Idempotency-Key": key}
    return service.http.post("/agent/run", json=BODY | body, headers=headers)


def test_the_same_key_attaches_to_the_same_run(service: Service, unique: Callable[[str], str]) -> None:
    key = unique("key")
    first = post_for_json(service, key)
    again = post_for_json(service, key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["runId"] == again.json()["runId"]


def test_a_stream_that_is_posted_again_goes_on_after_the_last_event(
    service: Service, unique: Callable[[str], str]
) -> None:
    """As fetch-event-source does when the connection breaks; also after the run has ended."""
    headers, project = EVENT_STREAM | {"Idempotency-Key": unique("key")}, unique("project")
    seen = []
    with post_run(service, headers=headers, projectId=project, model="offline") as response:
        for event in sse_events(response):
            seen.append(event)
            if event["id"] == 4:
                break
    with post_run(service, headers=headers | {"Last-Event-ID": "4"}, projectId=project, model="offline") as response:
        seen += sse_events(response)
    assert_whole(seen)
    with post_run(service, headers=headers, projectId=project, model="offline") as response:
        assert list(sse_events(response)) == seen


def test_another_body_under_the_same_key_is_refused(service: Service, unique: Callable[[str], str]) -> None:
    key = unique("key")
    post_for_json(service, key)
    refused = post_for_json(service, key, value="something else")
    assert refused.status_code == 422
    assert refused.json() == {"error": "this Idempotency-Key was used before with a different body"}


def test_without_a_key_each_post_is_a_run(service: Service) -> None:
    assert start_run(service, model="offline") != start_run(service, model="offline")


def test_a_new_key_with_a_cursor_either_streams_its_run_or_starts_none(
    strict_service: Service, unique: Callable[[str], str]
) -> None:
    """A client may come back after its key has expired: it must not be refused a run that was started for it."""
    before = contents(strict_service)
    headers = EVENT_STREAM | {"Idempotency-Key": unique("key"), "Last-Event-ID": "40"}
    with post_run(strict_service, headers=headers, model="offline") as response:
        if response.status_code == 200:
            assert_whole(list(sse_events(response)))
        else:
            assert response.status_code == 400
            assert contents(strict_service) == before
