"""`/api/chat` where a run asks its user: `ai`'s own chat answers, and whoever says something else is not held up."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lab.approvals import ID, wait_until_asked
from lab.client_checks import check_ui_message
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import events_of
from tests.http.conftest import contents
from tests.http.test_approval import ASKS, DONE
from tests.http.test_chat import asking, chunks
from tools.clients import run_node

Unique = Callable[[str], str]
ALLOWED: dict[str, Any] = {"approved": True}
FORBIDDEN: dict[str, Any] = {"approved": False, "reason": "not today"}


@pytest.mark.parametrize("version", ["7", "6"])
def test_the_chat_of_an_unmodified_page_answers_what_its_run_asks_for(
    scripted_service: Service, model_server: ModelServer, unique: Unique, version: str
) -> None:
    prompt = model_server.script(unique("asks"), ASKS, ASKS, DONE)
    arguments = ["approve.mjs", scripted_service.url, version, prompt, json.dumps([ALLOWED, FORBIDDEN])]
    came = json.loads(run_node(arguments))
    assert came["asked"] == [{"command": "echo ask-me"}] * 2
    assert (came["status"], came["messages"]) == ("ready", 2)
    log = events_of(scripted_service, came["message"]["id"])
    check_ui_message(came, log)
    check_ui_message({"message": came["reloaded"]}, log)
    answers = [event["data"] for event in log if event["type"] == "approval-answer"]
    assert [(answer["allow"], answer["reason"]) for answer in answers] == [(True, None), (False, "not today")]
    shown = [part for part in came["message"]["parts"] if part["type"] == "dynamic-tool"]
    assert [part["state"] for part in shown] == ["output-available", "output-denied"]
    assert "ask-me" in shown[0]["output"]["stdout"]


@pytest.fixture
def waiting(scripted_service: Service, model_server: ModelServer, unique: Unique) -> tuple[dict[str, Any], str]:
    """The request that started a run, which waits for its user; and its id."""
    chat = unique("chat")
    asked = asking(chat, model_server.script(unique("asks"), ASKS, DONE))
    said = chunks(scripted_service.http.post("/api/chat", json=asked))
    run_id = said[0]["messageId"]
    assert [said[-3]["type"], said[-1]] == ["tool-approval-request", {"type": "finish", "finishReason": "tool-calls"}]
    wait_until_asked(scripted_service, run_id)
    return asked, run_id


def answering(asked: dict[str, Any], run_id: str, approval: dict[str, Any], **beside: Any) -> dict[str, Any]:
    part: dict[str, Any] = {
        "type": "dynamic-tool",
        "toolName": "terminal",
        "toolCallId": "call-1-1",
        "state": "approval-responded",
    }
    part |= {"input": {}, "approval": {"id": f"{run_id}.{ID}", **approval}}
    answer = {"id": run_id, "role": "assistant", "parts": [part]}
    return {**asked, "messages": [*asked["messages"], answer], "messageId": run_id, **beside}


def test_who_loads_the_page_again_is_asked_again_and_the_same_answer_twice_attaches(
    scripted_service: Service, waiting: tuple[dict[str, Any], str]
) -> None:
    asked, run_id = waiting
    again = chunks(scripted_service.http.get(f"/api/chat/{asked['id']}/stream"))
    assert again == chunks(scripted_service.http.post("/api/chat", json=asked))
    assert again[-3] == {"type": "tool-approval-request", "toolCallId": "call-1-1", "approvalId": f"{run_id}.{ID}"}
    body = answering(asked, run_id, ALLOWED)
    first, second = (chunks(scripted_service.http.post("/api/chat", json=body)) for _ in range(2))
    assert first == second
    texts = "".join(chunk["delta"] for chunk in first if chunk["type"] == "text-delta")
    assert "I look." in str(again)
    assert texts.startswith("Nothing to do")  # what was shown before is not said again
    assert first[-1]["type"] == "finish"


def test_an_answer_is_given_once_and_the_opposite_is_refused(
    scripted_service: Service, model_server: ModelServer, unique: Unique
) -> None:
    chat = unique("chat")
    asked = asking(chat, model_server.script(unique("twice"), ASKS, ASKS, DONE))
    run_id = chunks(scripted_service.http.post("/api/chat", json=asked))[0]["messageId"]
    said = chunks(scripted_service.http.post("/api/chat", json=answering(asked, run_id, FORBIDDEN)))
    assert said[-3]["approvalId"] == f"{run_id}.approval-2-1"
    wait_until_asked(scripted_service, run_id)
    opposite = scripted_service.http.post("/api/chat", json=answering(asked, run_id, ALLOWED))
    assert (opposite.status_code, opposite.json()["errorText"]) == (409, "This was answered before")


def test_who_says_something_else_instead_is_not_held_up(
    scripted_service: Service, model_server: ModelServer, unique: Unique, waiting: tuple[dict[str, Any], str]
) -> None:
    asked, run_id = waiting
    prompt = model_server.script(unique("instead"), DONE)
    said = chunks(scripted_service.http.post("/api/chat", json=asking(asked["id"], prompt, "u2")))
    assert said[-1]["type"] == "finish"
    assert said[0]["messageId"] != run_id
    answers = [event["data"] for event in events_of(scripted_service, run_id) if event["type"] == "approval-answer"]
    assert [answer["allow"] for answer in answers] == [False]
    assert "instead" in answers[0]["reason"]


def test_an_answer_that_was_not_sent_comes_with_the_next_message(
    scripted_service: Service, model_server: ModelServer, unique: Unique, waiting: tuple[dict[str, Any], str]
) -> None:
    asked, run_id = waiting
    prompt = model_server.script(unique("next"), DONE)
    following = asking(asked["id"], prompt, "u2")
    following["messages"] = [*answering(asked, run_id, ALLOWED)["messages"], *following["messages"]]
    chunks(scripted_service.http.post("/api/chat", json=following))
    answers = [event["data"] for event in events_of(scripted_service, run_id) if event["type"] == "approval-answer"]
    assert [answer["allow"] for answer in answers] == [True]


BAD = {
    "an unknown run": (answering(asking("c"), "run_nobody", ALLOWED), 404),
    "no such id": (answering(asking("c"), "../x", ALLOWED), 404),
    "no answer": (answering(asking("c"), "run_nobody", {}), 400),
    "a word": (answering(asking("c"), "run_nobody", {"approved": "perhaps"}), 400),
    "too long a reason": (answering(asking("c"), "run_nobody", {"approved": False, "reason": "x" * 51}), 400),
}


@pytest.mark.parametrize(("body", "status"), BAD.values(), ids=BAD.keys())
@pytest.mark.usefixtures("changes_nothing")
def test_what_answers_nothing_is_refused(strict_service: Service, body: dict[str, Any], status: int) -> None:
    refused = strict_service.http.post("/api/chat", json=body)
    assert (refused.status_code, refused.json()["type"]) == (status, "error")


def test_a_run_of_another_chat_gets_no_answer(
    scripted_service: Service, waiting: tuple[dict[str, Any], str], unique: Unique
) -> None:
    _, run_id = waiting
    before = contents(scripted_service)
    body = answering(asking(unique("other")), run_id, ALLOWED)
    assert scripted_service.http.post("/api/chat", json=body).status_code == 404
    after = contents(scripted_service)
    assert {name: after[name] for name in after if run_id in name} == {
        name: before[name] for name in before if run_id in name
    }
