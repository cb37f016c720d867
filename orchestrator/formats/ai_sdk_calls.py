"""The tool calls of an AI SDK message: each is shown when it begins, while its output grows, and with its result."""

from __future__ import annotations

from typing import Any, Final, Protocol

from orchestrator.formats.fold import result_text
from orchestrator.formats.history import Event

CHARS_PER_MS: Final = 20
"""An output of 64 Ki characters is said at most every three seconds while it grows: each time it is said whole."""
STOPPED: Final = "stopped"


class Say(Protocol):
    """Adds a chunk to the stream."""

    def __call__(self, type: str, **fields: Any) -> None: ...


class ToolCalls:
    """Those without a result; ``in`` tells whether a callId is one of them."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._outputs: dict[str, dict[str, str]] = {}
        """callId → stdout, stderr."""
        self._grown: set[str] = set()
        """Those with output that was not said yet."""
        self._said_at: dict[str, int] = {}
        """When their output was said last, by the events' clock."""
        self._asked: dict[str, str] = {}
        """Calls that were asked for in a step before the one that carries them out: callId → that one."""
        self._denied: set[str] = set()
        """Calls that the user has forbidden."""

    def __contains__(self, call_id: str) -> bool:
        return call_id in self._outputs

    def begin(self, event: Event) -> None:
        data = event["data"]
        self._outputs[data["callId"]] = {"stdout": "", "stderr": ""}
        tool = {"toolCallId": data["callId"], "toolName": data["tool"], "input": data["args"]}
        self._say("tool-input-available", **tool, dynamic=True, providerExecuted=True)

    def ask(self, call_id: str) -> None:
        """The user is asked about it."""
        self._asked[call_id] = ""

    def deny(self, call_id: str) -> None:
        self._denied.add(call_id)

    def grow(self, event: Event) -> None:
        """It has put something out."""
        data = event["data"]
        self._note_step(event)
        self._outputs[data["callId"]][data["source"]] += data["chunk"]
        self._grown.add(data["callId"])

    def end(self, event: Event) -> None:
        data = event["data"]
        self._note_step(event)
        self._result(data["callId"], data["ok"], data["note"], elapsed=data["elapsed"])

    def stop(self) -> None:
        """The run has ended without their results."""
        for call_id in list(self._outputs):
            self._result(call_id, False, STOPPED)

    def say_outputs(self, now: int | None = None) -> None:
        """Outputs grow, and each chunk repeats the whole: one for all that arrived together, and a long one seldom."""
        for call_id in sorted(self._grown):
            output = self._outputs[call_id]
            size = len(output["stdout"]) + len(output["stderr"])
            if now is None or now - self._said_at.get(call_id, 0) >= size / CHARS_PER_MS:
                self._say_output(call_id, dict(output), preliminary=True)
                self._grown.discard(call_id)
                self._said_at[call_id] = now or 0

    def skip(self) -> None:
        """The client has what was put out so far."""
        self._grown.clear()

    def empty(self, step: str) -> None:
        """Calls that were shown before their ``step`` began stay; what it has put into them does not."""
        for call_id in [call for call, carried_out in self._asked.items() if carried_out == step]:
            self._outputs[call_id] = {"stdout": "", "stderr": ""}
            self._grown.add(call_id)

    def undo(self) -> None:
        """The step that is shown begins anew: so do its calls."""
        self._outputs = {call: output for call, output in self._outputs.items() if call in self._asked}
        self._grown &= self._outputs.keys()

    def _note_step(self, event: Event) -> None:
        if event["data"]["callId"] in self._asked:
            self._asked[event["data"]["callId"]] = event["step"]

    def _result(self, call_id: str, ok: bool, note: str, **beside: Any) -> None:
        output = self._outputs.pop(call_id)
        self._grown.discard(call_id)
        if call_id in self._denied:
            self._say("tool-output-denied", toolCallId=call_id)
        elif ok:
            self._say_output(call_id, {**output, "note": note, **beside})
        else:
            text = result_text(output["stdout"], output["stderr"], note)
            self._say("tool-output-error", toolCallId=call_id, errorText=text, dynamic=True, providerExecuted=True)

    def _say_output(self, call_id: str, output: dict[str, Any], **beside: Any) -> None:
        tool = {"toolCallId": call_id, "output": output, "dynamic": True, "providerExecuted": True}
        self._say("tool-output-available", **tool, **beside)
