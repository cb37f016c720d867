"""What goes over the wire, byte for byte: the frames of DESIGN §6 for each kind of client, and their headers."""

import json
import re
from collections.abc import Callable

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
    legacy_events,
    post_run,
    run_to_end,
    start_run,
)

PROMPT = {"projectId": "frames", "value": "a tip calculator", "model": "offline"}


@pytest.fixture
def finished_id(finished: list[Event]) -> str:
    return str(finished[0]["runId"])


def frames(raw: bytes) -> list[bytes]:
    assert raw.endswith(b"\n\n")
    return raw[:-2].split(b"\n\n")


@pytest.mark.parametrize("accept", [None, "*/*", "text/html,*/*;q=0.8"])
def test_an_existing_frontend_gets_nothing_but_data_lines_and_comments(service: Service, accept: str | None) -> None:
    with post_run(service, model="offline", headers={"Accept": accept} if accept else None) as response:
        raw = response.read()
    data = [frame for frame in frames(raw) if not frame.startswith(b": ")]
    assert all(frame.startswith(b"data: ") and b"\n" not in frame for frame in data)
    assert_whole([json.loads(frame[6:]) for frame in data])


def test_an_event_source_gets_data_and_then_the_id(service: Service, finished_id: str) -> None:
    with follow(service, finished_id) as response:
        raw = response.read()
    data = [frame for frame in frames(raw) if not frame.startswith(b": ")]
    for number, frame in enumerate(data, start=1):
        assert (match := re.fullmatch(rb"data: (\{.*\})\nid: (\d+)", frame))
        assert int(match[2]) == json.loads(match[1])["id"] == number


@pytest.mark.parametrize("how", ["post", "post-event-stream", "get", "get-event-stream"])
def test_a_stream_has_the_headers_that_keep_proxies_from_holding_it_back(
    service: Service, finished_id: str, how: str
) -> None:
    headers = EVENT_STREAM if how.endswith("event-stream") else None
    request = (
        service.http.build_request("POST", "/agent/run", json=PROMPT, headers=headers)
        if how.startswith("post")
        else service.http.build_request("GET", f"/agent/run/{finished_id}/events", headers=headers)
    )
    response = service.http.send(request, stream=True)
    try:
        assert response.status_code == 200
        assert response.headers["content-type"].split(";")[0] == "text/event-stream"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        assert response.headers["x-accel-buffering"] == "no"
        assert "content-length" not in response.headers
        first = next(response.iter_bytes())
        assert first.startswith(b": ")
        run_id = response.headers["x-run-id"]
        assert run_id == finished_id if how.startswith("get") else run_id.startswith("run_")
    finally:
        response.close()


def test_the_event_carries_the_run_id_of_the_header(service: Service) -> None:
    with post_run(service, model="offline") as response:
        assert next(legacy_events(response))["runId"] == response.headers["x-run-id"]


def test_a_silent_stream_is_kept_alive_by_comments(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """`scripted_service` sends them every 0.3 s."""
    gate = Gate()
    with post_run(scripted_service, value=model_server.script(unique("silent"), gate)) as response:
        chunks = response.iter_bytes()
        received = b""
        while received.count(b": keepalive\n\n") < 2:
            received += next(chunks)
        gate.finish("Done.")
        received += b"".join(chunks)
    assert_whole([json.loads(frame[6:]) for frame in frames(received) if frame.startswith(b"data: ")])


def test_a_client_that_wants_json_is_told_where_to_look(service: Service) -> None:
    response = service.http.post("/agent/run", json=PROMPT, headers={"Accept": "application/json"})
    body = response.json()
    base = f"/agent/run/{body['runId']}"
    assert response.status_code == 202
    assert response.headers["x-run-id"] == body["runId"]
    assert body["status"] in ("queued", "running")
    assert body["urls"] == {"run": base, "events": f"{base}/events", "poll": f"{base}/poll", "cancel": f"{base}/cancel"}
    assert_whole(events_of(service, body["runId"]))
    for url in (body["urls"]["run"], body["urls"]["events"], body["urls"]["poll"]):
        assert service.http.get(url).status_code == 200


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("application/json, text/event-stream;q=0.5", "application/json"),
        ("text/event-stream, application/json;q=0.5", "text/event-stream"),
        ("application/*", "text/event-stream"),
    ],
)
def test_the_preferred_kind_decides(service: Service, accept: str, kind: str) -> None:
    with service.http.stream("POST", "/agent/run", json=PROMPT, headers={"Accept": accept}) as response:
        assert response.headers["content-type"].split(";")[0] == kind


def test_the_alias_serves_every_route(service: Service, finished_id: str) -> None:
    run_id = service.http.post("/api/agent/run", json=PROMPT, headers={"Accept": "application/json"}).json()["runId"]
    assert_whole(events_of(service, run_id))
    for path in (f"/agent/run/{finished_id}", f"/agent/run/{finished_id}/poll", "/agent/models"):
        assert service.http.get(f"/api{path}").json() == service.http.get(path).json()


def test_the_models_are_listed_best_first(service: Service, scripted_service: Service) -> None:
    def ids(of: Service) -> list[str]:
        return [model["id"] for model in of.http.get("/agent/models").json()["models"]]

    assert ids(service) == ["auto", "offline"]
    assert ids(scripted_service) == ["auto", "gpt-4.1-mini", "offline"]


def test_a_run_can_be_asked_about(service: Service) -> None:
    events = run_to_end(service, model="offline", projectId="asked")
    run_id, end = events[0]["runId"], events[-1]
    answer = service.http.get(f"/agent/run/{run_id}").json()
    assert answer["createdAt"] <= answer["startedAt"] <= answer["endedAt"]
    assert answer["result"] == end["data"]
    assert answer["usage"] == end["data"]["usage"]
    assert {name: answer[name] for name in ("runId", "status", "projectId", "model", "engine", "lastEventId")} == {
        "runId": run_id,
        "status": "complete",
        "projectId": "asked",
        "model": "offline",
        "engine": "direct",
        "lastEventId": end["id"],
    }
    assert answer["error"] is None


def test_a_running_run_can_be_asked_about(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    run_id = start_run(scripted_service, value=model_server.script(unique("asked"), gate))
    gate.wait_until_asked()
    answer = scripted_service.http.get(f"/agent/run/{run_id}").json()
    assert (answer["status"], answer["endedAt"], answer["result"], answer["error"]) == ("running", None, None, None)
    gate.finish("Done.")
    assert events_of(scripted_service, run_id)[-1]["type"] == "complete"


def test_head_opens_no_stream(service: Service, finished_id: str) -> None:
    response: httpx.Response = service.http.head(f"/agent/run/{finished_id}/events")
    assert (response.status_code, response.content) == (200, b"")
