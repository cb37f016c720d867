"""What npm's own clients end with is the fold of the log, whatever was rolled back and wherever they joined."""

import json
import random
from typing import Any

import pytest
from ag_ui.core import RunAgentInput

from orchestrator.formats import Event, History, fold
from orchestrator.formats.ag_ui import AgUiStream
from orchestrator.formats.ai_sdk import UIMessageStream
from orchestrator.formats.fold import result_text
from orchestrator.formats.translated import Mapping
from tests.formats.logs import random_log
from tools.clients import run_node

LOGS = [random_log(seed) for seed in range(60)]
ASKED = {
    "threadId": "t1",
    "runId": "r1",
    "state": {},
    "tools": [],
    "context": [],
    "forwardedProps": {},
    "messages": [{"id": "u1", "role": "user", "content": "a page"}],
}


def folded(events: list[Event]) -> dict[str, Any]:
    history = History()
    for event in events:
        history.add(event)
    return fold(history)


def body(mapping: Mapping, events: list[Event], seed: int) -> str:
    """The response, with the events arriving in batches of any size."""
    chance, said = random.Random(seed), mapping.begin()
    left = list(events)
    while left and not mapping.done:
        size = chance.randint(1, 6)
        said += mapping.batch(left[:size])
        left = left[size:]
    return said.decode()


def read(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = json.loads(run_node(["read.mjs"], json.dumps(cases)))
    return answers


@pytest.mark.parametrize(("client", "can_reset"), [("ai7", True), ("ai7", False), ("ai6", False)])
def test_a_ui_message_is_the_fold_of_the_log(client: str, can_reset: bool) -> None:
    cases = [
        {"client": client, "chunk": 50 + seed, "body": body(UIMessageStream("run_1", can_reset=can_reset), log, seed)}
        for seed, log in enumerate(LOGS)
    ]
    for log, answer in zip(LOGS, read(cases), strict=True):
        check_ui_message(answer, log)


def check_ui_message(answer: dict[str, Any], log: list[Event]) -> None:
    state, message = folded(log), answer["message"]
    parts = message["parts"]
    assert message["id"] == "run_1"
    for kind in ("text", "reasoning"):
        assert "".join(part["text"] for part in parts if part["type"] == kind) == state[kind]
    assert [part["data"]["value"] for part in parts if part["type"] == "data-user-message"] == state["messages"]
    files = {part["id"]: part["data"] for part in parts if part["type"] == "data-file"}
    assert len(files) == sum(part["type"] == "data-file" for part in parts)
    contents = {path: data["content"] for path, data in files.items() if not data.get("deleted")}
    assert contents == {path: file["content"] for path, file in state["files"].items()}
    shown = [part for part in parts if part["type"] == "dynamic-tool"]
    assert [(part["toolCallId"], part["toolName"], part["input"]) for part in shown] == [
        (tool["callId"], tool["tool"], tool["args"]) for tool in state["tools"]
    ]
    for part, tool in zip(shown, state["tools"], strict=True):
        if tool["state"] == "done":
            output = {name: tool[name] for name in ("stdout", "stderr", "note", "elapsed")}
            assert (part["state"], part["output"]) == ("output-available", output)
        else:
            text = result_text(tool["stdout"], tool["stderr"], tool["note"] or "stopped")
            assert (part["state"], part["errorText"]) == ("output-error", text)
    assert message["metadata"]["end"] == json.loads(json.dumps(state["end"]))
    is_error = state["end"]["type"] == "error" and state["end"]["code"] != "cancelled"
    assert answer["error"] == (state["end"]["error"] if is_error else None)


@pytest.mark.parametrize("joins", ["from the start", "late", "after the end"])
def test_ag_uis_messages_are_the_fold_of_the_log(joins: str) -> None:
    cases = []
    for seed, log in enumerate(LOGS):
        last = {"from the start": 0, "late": 1 + seed * 7 % len(log), "after the end": len(log)}[joins]
        asked = RunAgentInput.model_validate(ASKED)
        cases.append({"client": "ag-ui", "chunk": 90 + seed, "body": body(AgUiStream(asked, "run_1", last), log, seed)})
    for log, answer in zip(LOGS, read(cases), strict=True):
        check_ag_ui(answer, log)


def test_a_client_that_was_cut_off_and_asks_again_keeps_nothing_of_what_was_discarded() -> None:
    """It sends what it shows of the run back to us, discarded words among it."""
    cuts = [1 + seed * 11 % len(log) for seed, log in enumerate(LOGS)]
    asked = RunAgentInput.model_validate(ASKED)
    halves = [
        {"client": "ag-ui", "chunk": 80, "body": body(AgUiStream(asked, "run_1", 0), log[:cut], cut)}
        for log, cut in zip(LOGS, cuts, strict=True)
    ]
    again = []
    for log, cut, answer in zip(LOGS, cuts, read(halves), strict=True):
        asked = RunAgentInput.model_validate({**ASKED, "messages": answer["messages"]})
        last = min(cut + 3, len(log))
        text = body(AgUiStream(asked, "run_1", last), log, cut)
        again.append({"client": "ag-ui", "chunk": 80, "body": text, "messages": answer["messages"]})
    for log, answer in zip(LOGS, read(again), strict=True):
        check_ag_ui(answer, log)


def check_ag_ui(answer: dict[str, Any], log: list[Event]) -> None:
    state = folded(log)
    first, *messages = answer["messages"]
    assert first["id"] == "u1"
    texts = [message for message in messages if message["role"] == "assistant" and not message.get("toolCalls")]
    assert "".join(message.get("content") or "" for message in texts) == state["text"]
    thoughts = [message["content"] for message in messages if message["role"] == "reasoning"]
    assert sorted("".join(thoughts)) == sorted(state["reasoning"])
    calls = [call for message in messages for call in message.get("toolCalls", [])]
    assert [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls] == [
        (f"run_1-{tool['callId']}", tool["tool"], tool["args"]) for tool in state["tools"]
    ]
    results = {message["toolCallId"]: message["content"] for message in messages if message["role"] == "tool"}
    assert results == {
        f"run_1-{tool['callId']}": result_text(tool["stdout"], tool["stderr"], tool["note"] or "stopped")
        for tool in state["tools"]
    }
    end = json.loads(json.dumps(state["end"]))
    if end["type"] == "complete":
        assert answer["error"] is None
        assert answer["finished"]["result"] == end
        assert answer["finished"]["usage"] == [{"inputTokens": 7, "outputTokens": 3}]
    else:
        assert answer["error"] == end["error"]
