"""A run as a frontend shows it: the fold of its events. clients/js and clients/python do the same.

tests/folds/*.json are the cases that all three have to agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from orchestrator.formats.history import Event

State = dict[str, Any]


def fold(events: Iterable[Event]) -> State:
    """The state that these events (of a History: rolled-back ones do not count) leave.

    ``{text, reasoning, messages: [str], tools: [{callId, tool, args, stdout, stderr, state, note, elapsed}],
    files: {path: {content, …}}, progress, status, approvals: {approvalId: {callId, allow}}, gaps: [{fromId, toId}],
    end: {type, …} | None}``; a tool's ``state`` is ``running``, ``done``, ``failed`` or ``stopped`` (by the run's end),
    an approval's ``allow`` None while it is asked for.
    """
    state: State = {
        "text": "",
        "reasoning": "",
        "messages": [],
        "tools": [],
        "files": {},
        "progress": None,
        "status": None,
        "approvals": {},
        "gaps": [],
        "end": None,
    }
    for event in events:
        change = _CHANGES.get(event["type"])
        if change is not None:
            change(state, event)
    return state


def end_of(event: Event) -> dict[str, Any]:
    """How the run ended, without its files: they are in the state already."""
    if event["type"] == "complete":
        return {"type": "complete", **{name: value for name, value in event["data"].items() if name != "files"}}
    beside = {name: event[name] for name in ("code", "receipt") if event.get(name) is not None}
    return {"type": "error", "error": event["data"], **beside}


def result_text(stdout: str, stderr: str, note: str) -> str:
    """A tool's output and how it ended, in one text."""
    output = stdout + stderr
    return output + ("" if not output or output.endswith("\n") else "\n") + note


def _text(state: State, event: Event) -> None:
    state["text"] += event["data"]


def _reasoning(state: State, event: Event) -> None:
    state["reasoning"] += event["data"]


def _message(state: State, event: Event) -> None:
    state["messages"].append(event["data"]["value"])


def _tool_call(state: State, event: Event) -> None:
    started = {"stdout": "", "stderr": "", "state": "running", "note": None, "elapsed": None}
    data = event["data"]
    state["tools"].append({"callId": data["callId"], "tool": data["tool"], "args": data["args"], **started})


def _tool_output(state: State, event: Event) -> None:
    tool = _tool(state, event)
    if tool is not None:
        tool[event["data"]["source"]] += event["data"]["chunk"]


def _tool_result(state: State, event: Event) -> None:
    tool, data = _tool(state, event), event["data"]
    if tool is not None:
        tool.update(state="done" if data["ok"] else "failed", note=data["note"], elapsed=data["elapsed"])


def _tool(state: State, event: Event) -> dict[str, Any] | None:
    # None: the call itself may have been trimmed from the log.
    called = (tool for tool in state["tools"] if tool["callId"] == event["data"]["callId"])
    return next(called, None)


def _file(state: State, event: Event) -> None:
    data = event["data"]
    state["files"][data["path"]] = {name: value for name, value in data.items() if name != "path"}


def _file_deleted(state: State, event: Event) -> None:
    state["files"].pop(event["data"]["path"], None)


def _files(state: State, event: Event) -> None:
    for path, content in event["data"].items():
        known = state["files"].get(path)
        if known is None or (known["content"] != content and not event.get("truncated")):
            state["files"][path] = {"content": content}


def _progress(state: State, event: Event) -> None:
    state["progress"] = event["data"]


def _status(state: State, event: Event) -> None:
    state["status"] = event["data"]


def _approval_request(state: State, event: Event) -> None:
    state["approvals"][event["data"]["approvalId"]] = {"callId": event["data"]["callId"], "allow": None}


def _approval_answer(state: State, event: Event) -> None:
    asked = state["approvals"].get(event["data"]["approvalId"])
    if asked is not None:
        asked["allow"] = event["data"]["allow"]


def _gap(state: State, event: Event) -> None:
    state["gaps"].append(event["data"])


def _end(state: State, event: Event) -> None:
    if event["type"] == "complete":
        _files(state, {"data": event["data"]["files"], "truncated": event.get("truncated")})
    for tool in state["tools"]:
        if tool["state"] == "running":
            tool["state"] = "stopped"
    state["end"] = end_of(event)


_CHANGES: Final[dict[str, Callable[[State, Event], None]]] = {
    "text": _text,
    "reasoning": _reasoning,
    "user-message": _message,
    "tool-call": _tool_call,
    "tool-output": _tool_output,
    "tool-result": _tool_result,
    "file-created": _file,
    "file-updated": _file,
    "file-deleted": _file_deleted,
    "files": _files,
    "progress": _progress,
    "status": _status,
    "approval-request": _approval_request,
    "approval-answer": _approval_answer,
    "gap": _gap,
    "error": _end,
    "complete": _end,
}
