"""What a client shows in the end, held against the fold of the log. Raises AssertionError."""

import json
from typing import Any

from orchestrator.formats import Event, History, fold
from orchestrator.formats.fold import result_text


def folded(events: list[Event]) -> dict[str, Any]:
    history = History()
    for event in events:
        history.add(event)
    return fold(history)


def check_ui_message(answer: dict[str, Any], log: list[Event], *, can_deny: bool = True) -> None:
    state, message = folded(log), answer["message"]
    parts = message["parts"]
    assert message["id"] == log[0]["runId"]
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
    denied = [asked["callId"] for asked in state["approvals"].values() if asked["allow"] is False]
    for part, tool in zip(shown, state["tools"], strict=True):
        if can_deny and tool["callId"] in denied:
            assert part["state"] == "output-denied"
        elif tool["state"] == "done":
            output = {name: tool[name] for name in ("stdout", "stderr", "note", "elapsed")}
            assert (part["state"], part["output"]) == ("output-available", output)
        else:
            text = result_text(tool["stdout"], tool["stderr"], tool["note"] or "stopped")
            assert (part["state"], part["errorText"]) == ("output-error", text)
    assert message["metadata"]["end"] == json.loads(json.dumps(state["end"]))
    is_error = state["end"]["type"] == "error" and state["end"]["code"] != "cancelled"
    if "error" in answer:
        assert answer["error"] == (state["end"]["error"] if is_error else None)


def check_ag_ui(answer: dict[str, Any], log: list[Event]) -> None:
    state, run_id = folded(log), log[0]["runId"]
    first, *messages = answer["messages"]
    assert first["id"] == "u1"
    texts = [message for message in messages if message["role"] == "assistant" and not message.get("toolCalls")]
    assert "".join(message.get("content") or "" for message in texts) == state["text"]
    thoughts = [message["content"] for message in messages if message["role"] == "reasoning"]
    assert sorted("".join(thoughts)) == sorted(state["reasoning"])
    calls = [call for message in messages for call in message.get("toolCalls", [])]
    assert [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls] == [
        (f"{run_id}-{tool['callId']}", tool["tool"], tool["args"]) for tool in state["tools"]
    ]
    results = {message["toolCallId"]: message["content"] for message in messages if message["role"] == "tool"}
    assert results == {
        f"{run_id}-{tool['callId']}": result_text(tool["stdout"], tool["stderr"], tool["note"] or "stopped")
        for tool in state["tools"]
    }
    end = json.loads(json.dumps(state["end"]))
    if end["type"] == "complete":
        assert answer["error"] is None
        assert answer["finished"]["result"] == end
        (counts,) = answer["finished"]["usage"]
        assert counts["inputTokens"] == end["usage"]["inputTokens"]
        assert counts["outputTokens"] == end["usage"]["outputTokens"]
    else:
        assert answer["error"] == end["error"]
