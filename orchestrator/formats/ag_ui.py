"""AG-UI (https://docs.ag-ui.com): a run as its events, made with the protocol's own package.

Whoever joins late gets the messages as they stand (MESSAGES_SNAPSHOT), then what is live; so does everybody after a
rollback. An approval ends the client's run with an interrupt, while ours waits.
"""

from __future__ import annotations

import json
from typing import Any, Final

from ag_ui.core import (
    BaseEvent,
    EventType,
    Interrupt,
    RunAgentInput,
    RunErrorEvent,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    TokenUsage,
)
from ag_ui.core import Message as GivenMessage
from ag_ui.encoder import EventEncoder

from orchestrator.events import dumps
from orchestrator.formats.ag_ui_messages import Message, Messages, piece_of
from orchestrator.formats.asked import asked_id
from orchestrator.formats.fold import end_of, fold
from orchestrator.formats.history import CONTENT, Event, History

PREFIX: Final = "runwire."
CUT: Final = "The stream ended before the run did: send the same request again to go on watching it"
ALLOW_SCHEMA: Final = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}},
    "required": ["approved"],
}
STATE_OF_SNAPSHOT: Final = ("files", "progress", "status", "approvals", "gaps")
"""What of a fold is not in the messages."""

_json: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class AgUiStream:
    """One viewer's mapping. ``last``: the id up to which events are history to it, 0 for a run that begins here."""

    def __init__(self, asked: RunAgentInput, run_id: str, last: int) -> None:
        self.done = False
        self._asked, self._run_id, self._last = asked, run_id, last
        self._history = History()
        self._messages = Messages(run_id)
        self._is_live = last == 0
        self._step: str | None = None
        self._open: tuple[str, str] | None = None
        """The kind and the id of the message that the client was told grows."""
        self._said: list[str] = []
        self._encoder = EventEncoder()
        before, left = _divide(asked.messages)
        self._before: list[Message] = [message.model_dump(mode="json", by_alias=True) for message in before]
        self._reasoned = [message.id for message in left if message.role == "reasoning"]

    def begin(self) -> bytes:
        self._say_made(RunStartedEvent(thread_id=self._asked.thread_id, run_id=self._asked.run_id))
        return self._take()

    def batch(self, events: list[Event]) -> bytes:
        for event in events:
            self._history.add(event)
            if self._is_live:
                self._map(event)
            elif event.get("id", 0) >= self._last:
                self._go_live(event)
            if self.done:
                break
        return self._take()

    def pause(self) -> bytes:
        return b""

    def cut(self) -> bytes:
        self._say_made(RunErrorEvent(message=CUT, code="disconnected"))
        return self._take()

    def _go_live(self, last: Event) -> None:
        """History is over with the event ``last``: show what it comes to."""
        self._is_live = True
        state = self._snapshot()
        if last["type"] in ("complete", "error"):
            self._end(last)
            return
        pending = [request for request, asked in state["approvals"].items() if asked["allow"] is None]
        if pending:
            requests = [event for event in self._history if event["type"] == "approval-request"]
            self._interrupt([event["data"] for event in requests if event["data"]["approvalId"] in pending])
        elif self._messages.open is not None:
            self._enter(self._messages.step)
            self._start()

    def _snapshot(self) -> dict[str, Any]:
        """Say how things stand; returns the fold."""
        self._messages = Messages(self._run_id)
        for event in self._history:
            self._messages.add(event)
        mine = self._messages.list()
        shown = {message["id"] for message in mine}
        # Clients keep reasoning that a snapshot leaves out, so what was taken back must be said to be empty.
        taken_back = [piece_of("reasoning", id) for id in self._reasoned if id not in shown]
        self._reasoned += [message["id"] for message in mine if message["role"] == "reasoning"]
        self._say_messages([*mine, *taken_back])
        state = fold(self._history)
        self._custom("snapshot", {name: state[name] for name in STATE_OF_SNAPSHOT})
        return state

    def _map(self, event: Event) -> None:
        kind, data = event["type"], event["data"]
        if kind == "rollback":
            self._close()
            self._snapshot()
        elif kind in ("complete", "error"):
            self._end(event)
        elif kind in ("text", "reasoning"):
            self._enter(event["step"])
            self._piece(event)
        elif kind in CONTENT or kind == "progress":
            self._enter(event["step"])
            self._close()
            self._messages.add(event)
            self._whole(event)
        else:
            self._custom(kind, data)

    def _whole(self, event: Event) -> None:
        kind, data = event["type"], event["data"]
        if kind == "tool-call":
            call_id = self._messages.call_id(data["callId"])
            parent = self._messages.id_of(event)
            self._say(EventType.TOOL_CALL_START, toolCallId=call_id, toolCallName=data["tool"], parentMessageId=parent)
            self._say(EventType.TOOL_CALL_ARGS, toolCallId=call_id, delta=dumps(data["args"]))
            self._say(EventType.TOOL_CALL_END, toolCallId=call_id)
        elif kind == "tool-result" and (result := self._messages.results.get(data["callId"])):
            self._result(result)
        elif kind == "approval-request":
            self._interrupt([data])
        elif kind == "tool-output":
            self._custom(kind, {**data, "toolCallId": self._messages.call_id(data["callId"])})
        else:
            self._custom(kind, data)

    # messages and steps

    def _piece(self, event: Event) -> None:
        self._messages.add(event)
        if self._messages.open != self._open:
            self._close()
            self._start()
        if self._open is not None and event["data"]:
            kind = EventType.TEXT_MESSAGE_CONTENT if event["type"] == "text" else EventType.REASONING_MESSAGE_CONTENT
            self._say(kind, messageId=self._open[1], delta=event["data"])

    def _start(self) -> None:
        """Say that the open message grows; one that the client has already goes on."""
        assert self._messages.open is not None
        self._open = kind, message_id = self._messages.open
        if kind == "text":
            self._say(EventType.TEXT_MESSAGE_START, messageId=message_id, role="assistant")
            return
        self._reasoned.append(message_id)
        self._say(EventType.REASONING_START, messageId=message_id)
        self._say(EventType.REASONING_MESSAGE_START, messageId=message_id, role="reasoning")

    def _close(self) -> None:
        if self._open is None:
            return
        kind, message_id = self._open
        self._open = None
        if kind == "text":
            self._say(EventType.TEXT_MESSAGE_END, messageId=message_id)
        else:
            self._say(EventType.REASONING_MESSAGE_END, messageId=message_id)
            self._say(EventType.REASONING_END, messageId=message_id)

    def _enter(self, step: str) -> None:
        if step == self._step:
            return
        self._leave()
        self._step = step
        self._say(EventType.STEP_STARTED, stepName=step)

    def _leave(self) -> None:
        self._close()
        if self._step is not None:
            self._say(EventType.STEP_FINISHED, stepName=self._step)
            self._step = None

    # the end of the client's run

    def _end(self, event: Event) -> None:
        self._leave()
        self._messages.add(event)
        for result in self._messages.stopped:
            self._result(result)
        end = end_of(event)
        if event["type"] == "error":
            self._custom("end", end)
            self._say_made(RunErrorEvent(message=end["error"], code=end.get("code")))
        else:
            usage = end["usage"]
            counts = TokenUsage(
                input_tokens=usage["inputTokens"],
                output_tokens=usage["outputTokens"],
                cached_input_tokens=usage.get("cachedTokens"),
            )
            self._finish(RunFinishedSuccessOutcome(), result=end, usage=[counts])
        self.done = True

    def _interrupt(self, requests: list[dict[str, Any]]) -> None:
        self._leave()
        self._say_messages(self._messages.list())
        interrupts = [
            Interrupt(
                id=asked_id(self._run_id, request["approvalId"]),
                reason="tool_call",
                tool_call_id=self._messages.call_id(request["callId"]),
                message=f"Allow {request.get('tool')} {dumps(request.get('args'))}?",
                response_schema=ALLOW_SCHEMA,
            )
            for request in requests
        ]
        self._finish(RunFinishedInterruptOutcome(interrupts=interrupts))
        self.done = True

    def _finish(self, outcome: RunFinishedSuccessOutcome | RunFinishedInterruptOutcome, **beside: Any) -> None:
        asked = self._asked
        self._say_made(RunFinishedEvent(thread_id=asked.thread_id, run_id=asked.run_id, outcome=outcome, **beside))

    def _custom(self, name: str, value: Any) -> None:
        self._say(EventType.CUSTOM, name=PREFIX + name, value=value)

    def _result(self, result: Message) -> None:
        fields = {name: result[name] for name in ("toolCallId", "content", "role")}
        self._say(EventType.TOOL_CALL_RESULT, messageId=result["id"], **fields)

    def _say_messages(self, messages: list[Message]) -> None:
        self._say(EventType.MESSAGES_SNAPSHOT, messages=[*self._before, *messages])

    def _say(self, kind: EventType, **fields: Any) -> None:
        """An event that is made of plain values; the package's models take four times as long for each."""
        self._said.append(f"data: {_json({'type': kind.value, **fields})}\n\n")

    def _say_made(self, event: BaseEvent) -> None:
        self._said.append(self._encoder.encode(event))

    def _take(self) -> bytes:
        said, self._said = self._said, []
        return "".join(said).encode("utf-8", "replace")


def _divide(messages: list[GivenMessage]) -> tuple[list[GivenMessage], list[GivenMessage]]:
    """The conversation up to the user's last words, and what the client shows of this run already."""
    last = max((number for number, message in enumerate(messages) if message.role == "user"), default=-1)
    return messages[: last + 1], messages[last + 1 :]
