"""`/agui` over HTTP: who attaches, who starts, what is refused."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import events_of

Unique = Callable[[str], str]


def asking(thread: str, run: str, text: Any = "a tip calculator", **beside: Any) -> dict[str, Any]:
    messages = [{"id": "u1", "role": "user", "content": text}]
    asked = {"threadId": thread, "runId": run, "messages": messages, "state": {}, "tools": [], "context": []}
    return asked | {"forwardedProps": {}} | beside


def said(response: httpx.Response) -> list[dict[str, Any]]:
    frames = response.text.split("\n\n")
    return [json.loads(frame.removeprefix("data: ")) for frame in frames if frame.startswith("data: ")]


def test_the_clients_run_id_is_the_runs_and_the_whole_run_is_told(service: Service, unique: Unique) -> None:
    thread, run = unique("thread"), unique("run")
    response = service.http.post("/agui", json=asking(thread, run))
    assert response.headers["X-Run-Id"] == run
    events = said(response)
    assert (events[0]["type"], events[0]["threadId"], events[0]["runId"]) == ("RUN_STARTED", thread, run)
    assert events[-1]["type"] == "RUN_FINISHED"
    assert events[-1]["outcome"] == {"type": "success"}
    stored = events_of(service, run)
    assert events[-1]["result"]["summary"] == stored[-1]["data"]["summary"]
    texts = "".join(event["data"] for event in stored if event["type"] == "text")
    assert "".join(event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT") == texts
    assert service.http.get(f"/agent/run/{run}").json()["projectId"] == thread


def test_the_same_run_id_again_attaches_with_a_snapshot(service: Service, unique: Unique) -> None:
    thread, run = unique("thread"), unique("run")
    service.http.post("/agui", json=asking(thread, run))
    events = said(service.http.post("/agui", json=asking(thread, run)))
    kinds = [event["type"] for event in events]
    assert kinds == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "CUSTOM", "RUN_FINISHED"]
    texts = "".join(event["data"] for event in events_of(service, run) if event["type"] == "text")
    shown = [message.get("content", "") for message in events[1]["messages"] if message["role"] == "assistant"]
    assert "".join(shown) == texts


def test_a_used_run_id_with_other_words_is_refused(service: Service, unique: Unique) -> None:
    thread, run = unique("thread"), unique("run")
    service.http.post("/agui", json=asking(thread, run))
    response = service.http.post("/agui", json=asking(thread, run, "something else"))
    assert response.status_code == 422
    assert response.json()["type"] == "RUN_ERROR"


def test_a_cancelled_run_ends_as_an_error_with_its_code(
    scripted_service: Service, model_server: ModelServer, unique: Unique
) -> None:
    gate, run = Gate(), unique("run")
    text = model_server.script(unique("cancel"), gate)
    with scripted_service.http.stream("POST", "/agui", json=asking(unique("thread"), run, text)) as response:
        gate.wait_until_asked()
        scripted_service.http.post(f"/agent/run/{run}/cancel")
        response.read()
    assert (said(response)[-1]["type"], said(response)[-1]["code"]) == ("RUN_ERROR", "cancelled")


def _without(name: str) -> dict[str, Any]:
    asked = asking("t", "r")
    del asked[name]
    return asked


PICTURE = {"type": "image", "source": {"type": "url", "value": "x"}}
BAD = {
    "no thread": _without("threadId"),
    "no run id": _without("runId"),
    "no messages": _without("messages"),
    "a run id that cannot be one": asking("t", "a/b"),
    "an empty run id": asking("t", ""),
    "an empty thread": asking("", "r"),
    "no user message": asking("t", "r", messages=[{"id": "a", "role": "assistant", "content": "hi"}]),
    "an unknown role": asking("t", "r", messages=[{"id": "a", "role": "robot", "content": "hi"}]),
    "no text": asking("t", "r", ""),
    "a picture": asking("t", "r", [PICTURE]),
    "an unknown part": asking("t", "r", [{"type": "hologram"}]),
    "too long a text": asking("t", "r", "x" * 51),
    "an unknown model": asking("t", "r", forwardedProps={"model": "gpt-0"}),
    "an unknown onConflict": asking("t", "r", forwardedProps={"onConflict": ["queue"]}),
    "a model of another type": asking("t", "r", forwardedProps={"model": 7}),
    "no object": [],
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
@pytest.mark.usefixtures("changes_nothing")
def test_a_bad_request_gets_the_protocols_error_and_starts_nothing(strict_service: Service, body: Any) -> None:
    response = strict_service.http.post("/agui", json=body)
    assert response.status_code == 400
    answer = response.json()
    assert (answer["type"], answer["code"], answer["message"]) == ("RUN_ERROR", "invalid", answer["error"])
