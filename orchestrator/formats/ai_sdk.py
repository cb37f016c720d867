"""The AI SDK's UI message stream (`x-vercel-ai-ui-message-stream: v1`): one run is one assistant message.

https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. What a run asks its user ends the stream, while the run waits; the
request with the answer gets the rest of the message.
"""

from __future__ import annotations

import json
from typing import Any, Final

from orchestrator.formats.ai_sdk_calls import ToolCalls
from orchestrator.formats.asked import asked_id
from orchestrator.formats.fold import end_of
from orchestrator.formats.history import Event
from orchestrator.formats.hold import Hold

HEADERS: Final = {"x-vercel-ai-ui-message-stream": "v1"}
DONE: Final = b"data: [DONE]\n\n"
RESETS_SINCE: Final = 7
"""The major version of `ai` that can take parts back, and be told answers."""

ASKS_SINCE: Final = 6
"""The one that can show approvals; before, they are data."""

PASSING: Final = frozenset({"status", "progress", "time-budget"})
"""Types that are shown as they come and are no part of the message."""

ASKED: Final = "tool-calls"
FINISH_REASONS: Final = {"partial": "other"}
CUT: Final = "The stream ended before the run did: ask for it again"

Chunk = dict[str, Any]

_json: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class UIMessageStream:
    """One viewer's mapping. ``version``: the major one of the client's `ai`; before RESETS_SINCE steps are held back.

    ``last``: the id up to which events are history to it, 0 for a run that begins here. ``shown``: the approval up to
    which the client has the message.
    """

    def __init__(self, run_id: str, *, version: int = RESETS_SINCE, last: int = 0, shown: str | None = None) -> None:
        self.done = False
        self._version = version
        self._run_id, self._last, self._shown = run_id, last, shown
        self._asked: Chunk | None = None
        """What the run asks for, as long as there is no answer."""
        self._hold = None if version >= RESETS_SINCE else Hold()
        self._said: list[Chunk] = []
        self._step: str | None = None
        self._open: tuple[str, str] | None = None
        """The kind and the id of the part that grows."""
        self._calls = ToolCalls(self._say)
        self._files: dict[str, Chunk] = {}
        self._undo: dict[str, Chunk | None] = {}
        """The files that this step has touched, as they were."""
        self._stays: list[Chunk] = []
        """What was said during this step and outlives a reset of it."""

    def begin(self) -> bytes:
        return _frame({"type": "start", "messageId": self._run_id, "messageMetadata": {"runId": self._run_id}}).encode()

    def batch(self, events: list[Event]) -> bytes:
        for event in events:
            is_history = event.get("id", 0) < self._last
            if self._shown is not None and not is_history:  # the request itself is no longer stored
                self._skip()
            for shown in self._hold.release(event) if self._hold else (event,):
                self._map(shown)
            if self._asked is not None and not (is_history or self.done):
                self._interrupt(self._asked)
            if self.done:
                break
        if self._shown is None:
            self._calls.say_outputs(events[-1].get("timestamp", 0))
        return self._take() + (DONE if self.done else b"")

    def pause(self) -> bytes:
        if self._shown is None:
            self._calls.say_outputs()
        return self._take()

    def cut(self) -> bytes:
        return _frame({"type": "error", "errorText": CUT}).encode()

    def _map(self, event: Event) -> None:
        kind, data = event["type"], event["data"]
        if kind in ("text", "reasoning"):
            self._piece(kind, event)
        elif kind in PASSING:
            self._say(f"data-{kind}", data=data, transient=True)
        elif kind == "tool-call":
            self._call(event)
        elif kind == "tool-output" and data["callId"] in self._calls:
            self._calls.grow(event)
        elif kind == "tool-result" and data["callId"] in self._calls:
            self._calls.end(event)
        elif kind in ("file-created", "file-updated"):
            self._file(event["step"], data["path"], data)
        elif kind == "file-deleted":
            self._file(event["step"], data["path"], {**data, "deleted": True})
        elif kind == "files":
            self._all_files(event, data)
        elif kind == "rollback":
            self._rollback(data)
        elif kind == "approval-request" and data["callId"] in self._calls:
            self._ask(event)
        elif kind == "approval-answer" and self._asked is not None:
            self._answer(self._asked, event)
        elif kind in ("complete", "error"):
            self._end(event)
        elif kind not in ("tool-output", "tool-result"):
            self._stay(event)

    # what the run asks its user

    def _ask(self, event: Event) -> None:
        self._asked = asked = event["data"]
        self._calls.ask(asked["callId"])
        if self._version < ASKS_SINCE:
            self._stay(event)
        if asked["approvalId"] == self._shown:
            self._skip()

    def _interrupt(self, asked: Chunk) -> None:
        self._calls.say_outputs()
        if self._version >= ASKS_SINCE:
            self._say_request(asked)
        self._leave()
        self._say("finish", finishReason=ASKED)
        self.done = True

    def _answer(self, asked: Chunk, event: Event) -> None:
        self._asked, answer = None, event["data"]
        if self._version < ASKS_SINCE:
            self._stay(event)
            return
        if self._version >= RESETS_SINCE:
            self._say_request(asked)
            reason = {"reason": answer["reason"]} if answer.get("reason") else {}
            approval_id = asked_id(self._run_id, asked["approvalId"])
            self._say("tool-approval-response", approvalId=approval_id, approved=answer["allow"], **reason)
        if not answer["allow"]:
            self._calls.deny(asked["callId"])

    def _say_request(self, asked: Chunk) -> None:
        approval_id = asked_id(self._run_id, asked["approvalId"])
        self._say("tool-approval-request", approvalId=approval_id, toolCallId=asked["callId"])

    def _skip(self) -> None:
        """Everything so far is in the client's message."""
        self._shown = None
        self._said.clear()
        self._calls.skip()

    # the parts of a step

    def _enter(self, step: str) -> None:
        if step == self._step:
            return
        self._leave()
        self._step, self._undo, self._stays = step, {}, []
        self._say("start-step")

    def _leave(self) -> None:
        self._close()
        if self._step is not None:
            self._say("finish-step")
            self._step = None

    def _piece(self, kind: str, event: Event) -> None:
        self._enter(event["step"])
        if self._open is None or self._open[0] != kind:
            self._close()
            self._open = kind, f"{kind}-{event['id']}"
            self._say(f"{kind}-start", id=self._open[1])
        self._say(f"{kind}-delta", id=self._open[1], delta=event["data"])

    def _close(self) -> None:
        if self._open is not None:
            kind, part = self._open
            self._say(f"{kind}-end", id=part)
            self._open = None

    def _call(self, event: Event) -> None:
        self._enter(event["step"])
        self._close()
        self._calls.begin(event)

    def _file(self, step: str, path: str, data: Chunk) -> None:
        if step:  # the run's end has none
            self._enter(step)
            self._undo.setdefault(path, self._files.get(path))
        self._close()
        self._files[path] = data
        self._say("data-file", id=path, data=data)

    def _all_files(self, event: Event, files: dict[str, str]) -> None:
        for path, content in files.items():
            known = self._files.get(path)
            if known is None or (known.get("content") != content and not event.get("truncated")):
                self._file(event["step"], path, {"path": path, "content": content})

    def _stay(self, event: Event) -> None:
        self._close()
        place = event.get("id") or f"{event['data'].get('fromId')}-{event['data'].get('toId')}"
        chunk = {"type": f"data-{event['type']}", "id": str(place), "data": event["data"]}
        self._stays.append(chunk)
        self._said.append(chunk)

    def _rollback(self, data: dict[str, Any]) -> None:
        self._calls.empty(data["step"])
        if data["step"] != self._step:
            return  # nothing else of that attempt was part of the message
        self._open = None
        self._calls.undo()
        self._say("reset-step")
        for path, before in self._undo.items():
            if before is None:
                del self._files[path]
            else:
                self._files[path] = before
                self._say("data-file", id=path, data=before)  # it is a part of an earlier step
        self._undo = {}
        self._said += self._stays

    # the end

    def _end(self, event: Event) -> None:
        self._close()
        self._calls.stop()
        if event["type"] == "complete":
            self._all_files({**event, "step": ""}, event["data"]["files"])
        self._leave()
        metadata = {"runId": self._run_id, "end": end_of(event)}
        if event["type"] == "complete":
            reason = FINISH_REASONS.get(event["data"].get("outcome"), "stop")
            self._say("finish", finishReason=reason, messageMetadata=metadata)
        else:
            self._say("message-metadata", messageMetadata=metadata)
            if event.get("code") == "cancelled":
                self._say("abort")
            else:
                self._say("error", errorText=event["data"])
        self.done = True

    def _say(self, type: str, **fields: Any) -> None:
        self._said.append({"type": type, **fields})

    def _take(self) -> bytes:
        if self._shown is not None:
            return b""
        said, self._said = self._said, []
        return "".join(map(_frame, said)).encode("utf-8", "replace")


def _frame(chunk: Chunk) -> str:
    return f"data: {_json(chunk)}\n\n"
