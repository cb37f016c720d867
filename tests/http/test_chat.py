"""`/api/chat` over HTTP: who attaches, who starts, what is refused."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import events_of
from tests.http.conftest import contents

Unique = Callable[[str], str]


def asking(chat: str, text: str = "a tip calculator", message: str = "u1", **beside: Any) -> dict[str, Any]:
    messages = [{"id": message, "role": "user", "parts": [{"type": "text", "text": text}]}]
    return {"id": chat, "messages": messages, "trigger": "submit-message"} | beside


def chunks(response: httpx.Response) -> list[dict[str, Any]]:
    frames = [frame.removeprefix("data: ") for frame in response.text.split("\n\n") if frame.startswith("data: ")]
    assert frames[-1] == "[DONE]"
    said = [json.loads(frame) for frame in frames[:-1]]
    return [chunk for chunk in said if not chunk.get("preliminary")]  # how many of these depends on what came together


def test_a_chat_streams_a_whole_message_in_the_protocol(service: Service, unique: Unique) -> None:
    response = service.http.post("/api/chat", json=asking(unique("chat")))
    assert response.status_code == 200
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    first, *rest = chunks(response)
    assert first["type"] == "start"
    assert first["messageId"] == response.headers["X-Run-Id"]
    assert rest[-1]["type"] == "finish"
    texts = "".join(event["data"] for event in events_of(service, first["messageId"]) if event["type"] == "text")
    assert "".join(chunk["delta"] for chunk in rest if chunk["type"] == "text-delta") == texts


def test_the_same_message_again_attaches_and_another_starts(service: Service, unique: Unique) -> None:
    chat = unique("chat")
    first = service.http.post("/api/chat", json=asking(chat))
    again = service.http.post("/api/chat", json=asking(chat))
    edited = service.http.post("/api/chat", json=asking(chat, "a timer"))
    other = service.http.post("/api/chat", json=asking(chat, message="u2"))
    runs = [response.headers["X-Run-Id"] for response in (first, again, edited, other)]
    assert chunks(again) == chunks(first)
    assert runs[0] == runs[1]
    assert len(set(runs)) == 3


def test_making_anew_starts_one_run_however_often_it_is_asked_for(
    scripted_service: Service, model_server: ModelServer, unique: Unique
) -> None:
    gate, chat = Gate(), unique("chat")
    text = model_server.script(unique("again"), gate)
    gate.finish("first")
    first = scripted_service.http.post("/api/chat", json=asking(chat, text)).headers["X-Run-Id"]

    second = Gate()
    model_server.script(text, second)
    body = asking(chat, text, trigger="regenerate-message", messageId=first)
    runs = set()
    for _ in range(2):
        with scripted_service.http.stream("POST", "/api/chat", json=body) as response:
            runs.add(response.headers["X-Run-Id"])
    second.finish("second")
    assert len(runs) == 1
    assert first not in runs


def test_a_resumed_stream_begins_at_the_start_and_nobody_waits_for_nothing(service: Service, unique: Unique) -> None:
    chat = unique("chat")
    assert service.http.get(f"/api/chat/{chat}/stream").status_code == 204
    sent = service.http.post("/api/chat", json=asking(chat))
    assert chunks(service.http.get(f"/api/chat/{chat}/stream")) == chunks(sent)


def test_a_cancelled_chat_aborts(scripted_service: Service, model_server: ModelServer, unique: Unique) -> None:
    gate, chat = Gate(), unique("chat")
    text = model_server.script(unique("cancel"), gate)
    with scripted_service.http.stream("POST", "/api/chat", json=asking(chat, text)) as response:
        gate.wait_until_asked()
        assert scripted_service.http.post(f"/api/chat/{chat}/cancel").status_code == 202
        response.read()
    said = chunks(response)
    assert said[-1]["type"] == "abort"
    assert said[-2]["messageMetadata"]["end"]["code"] == "cancelled"
    assert scripted_service.http.post("/api/chat/none-of-it/cancel").status_code == 404


def test_a_message_may_replace_the_run_before_it(
    scripted_service: Service, model_server: ModelServer, unique: Unique
) -> None:
    gate, chat = Gate(), unique("chat")
    stopped = asking(chat, model_server.script(unique("stopped"), gate))
    with scripted_service.http.stream("POST", "/api/chat", json=stopped) as response:
        gate.wait_until_asked()
        instead = Gate()
        instead.finish("instead")
        text = model_server.script(unique("instead"), instead)
        said = chunks(scripted_service.http.post("/api/chat", json=asking(chat, text, "u2", onConflict="cancel")))
        response.read()
    assert chunks(response)[-1]["type"] == "abort"
    assert said[-1]["type"] == "finish"


@pytest.mark.parametrize("version", ["6", "5.0.12"])
def test_an_older_client_says_so_and_is_never_told_to_reset(service: Service, unique: Unique, version: str) -> None:
    chat = unique("chat")
    by_header = service.http.post("/api/chat", json=asking(chat), headers={"X-AI-SDK": version})
    by_query = service.http.post(f"/api/chat?ai={version}", json=asking(chat))
    assert chunks(by_header) == chunks(by_query)
    assert "reset-step" not in by_header.text


def _message(**changes: Any) -> dict[str, Any]:
    return {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "a page"}]} | changes


BAD = {
    "no messages": ({"id": "c"}, 400),
    "no chat id": ({"messages": [_message()]}, 400),
    "an empty chat id": ({"id": "", "messages": [_message()]}, 400),
    "messages of another form": ({"id": "c", "messages": ["hello"]}, 400),
    "an unknown role": ({"id": "c", "messages": [_message(role="robot")]}, 400),
    "no user message": ({"id": "c", "messages": [_message(role="assistant")]}, 400),
    "no text": ({"id": "c", "messages": [_message(parts=[])]}, 400),
    "only blanks": ({"id": "c", "messages": [_message(parts=[{"type": "text", "text": "  "}])]}, 400),
    "a part of an unknown kind": ({"id": "c", "messages": [_message(parts=[{"type": "hologram"}])]}, 400),
    "a text part without text": ({"id": "c", "messages": [_message(parts=[{"type": "text"}])]}, 400),
    "a file": ({"id": "c", "messages": [_message(parts=[{"type": "file", "url": "data:,", "mediaType": "a/b"}])]}, 400),
    "an unknown trigger": ({"id": "c", "messages": [_message()], "trigger": "shoot"}, 400),
    "an unknown model": ({"id": "c", "messages": [_message()], "model": "gpt-0"}, 400),
    "an unknown onConflict": ({"id": "c", "messages": [_message()], "onConflict": "wait"}, 400),
    "too long a text": ({"id": "c", "messages": [_message(parts=[{"type": "text", "text": "x" * 51}])]}, 400),
    "a chat id that cannot be a project": ({"id": "a\nb", "messages": [_message()]}, 400),
    "no object": ([], 400),
}


@pytest.mark.parametrize(("body", "status"), BAD.values(), ids=BAD.keys())
@pytest.mark.usefixtures("changes_nothing")
def test_a_bad_chat_gets_the_protocols_error_and_starts_nothing(
    strict_service: Service, body: Any, status: int
) -> None:
    response = strict_service.http.post("/api/chat", json=body)
    assert response.status_code == status
    answer = response.json()
    assert answer["type"] == "error"
    assert answer["errorText"] == answer["error"]


@pytest.mark.usefixtures("changes_nothing")
def test_a_body_that_is_no_json_or_too_large_is_refused_in_the_same_form(strict_service: Service) -> None:
    assert strict_service.http.post("/api/chat", content="{").json()["type"] == "error"
    huge = asking("c", "x" * 5_000_000)
    assert strict_service.http.post("/api/chat", json=huge).status_code == 413
    assert strict_service.http.post("/api/chat?ai=new", json=asking("c")).status_code == 400


def test_what_attaches_starts_nothing(service: Service, unique: Unique) -> None:
    chat = unique("chat")
    service.http.post("/api/chat", json=asking(chat))
    before = runs_stored(service)
    service.http.post("/api/chat", json=asking(chat))
    service.http.get(f"/api/chat/{chat}/stream")
    assert runs_stored(service) == before


def runs_stored(service: Service) -> set[str]:
    return {name for name in contents(service) if name.endswith("}:run")}
