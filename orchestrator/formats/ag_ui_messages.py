"""A run's messages as AG-UI has them: the model's texts and thoughts, each tool call and its result.

They are made as JSON has them: a snapshot repeats all of them, and the package's models take four times as long.
"""

from __future__ import annotations

from typing import Any, Final

from orchestrator.events import dumps
from orchestrator.formats.fold import result_text
from orchestrator.formats.history import CONTENT, Event

STOPPED: Final = "stopped"
ROLES: Final = {"text": "assistant", "reasoning": "reasoning"}

Message = dict[str, Any]


def piece_of(kind: str, id: str) -> Message:
    """A text or a thought that has no words yet."""
    return {"id": id, "role": ROLES[kind], "content": ""}


class Messages:
    """Grows event by event. Ids come from the events', so every viewer has the same, and no other run has them."""

    def __init__(self, run_id: str) -> None:
        self.open: tuple[str, str] | None = None
        """The kind and the id of the message that grows."""
        self.results: dict[str, Message] = {}
        self.stopped: list[Message] = []
        """Results of the calls that the run's end has stopped."""
        self._run_id = run_id
        self._made: list[Message] = []
        self._pieces: list[str] = []
        self._of: tuple[str, str, int] | None = None
        """What the open message belongs to: type, step, attempt."""
        self._outputs: dict[str, dict[str, str]] = {}

    @property
    def step(self) -> str:
        """The step that writes the open message."""
        return self._of[1] if self._of else ""

    def id_of(self, event: Event) -> str:
        return f"{self._run_id}-{event['id']}"

    def call_id(self, call_id: str) -> str:
        return f"{self._run_id}-{call_id}"

    def list(self) -> list[Message]:
        self._settle()
        return list(self._made)

    def add(self, event: Event) -> None:
        """Not for rollbacks: begin anew with what is left."""
        kind = event["type"]
        if kind in ("text", "reasoning"):
            self._piece(event)
        elif kind in ("complete", "error"):
            self._close()
            self._stop()
        elif kind in CONTENT or kind == "progress":
            self._close()
            self._whole(event)

    def _piece(self, event: Event) -> None:
        of = event["type"], event["step"], event["attempt"]
        if self.open is None or of != self._of:
            self._close()
            self.open, self._of = (event["type"], self.id_of(event)), of
            self._made.append(piece_of(*self.open))
        self._pieces.append(event["data"])

    def _settle(self) -> None:
        if self._pieces:
            self._pieces = ["".join(self._pieces)]
            self._made[-1]["content"] = self._pieces[0]

    def _close(self) -> None:
        self._settle()
        self.open, self._of, self._pieces = None, None, []

    def _whole(self, event: Event) -> None:
        kind, data = event["type"], event["data"]
        if kind == "tool-call":
            function = {"name": data["tool"], "arguments": dumps(data["args"])}
            call = {"id": self.call_id(data["callId"]), "type": "function", "function": function}
            self._made.append({"id": self.id_of(event), "role": "assistant", "toolCalls": [call]})
            self._outputs[data["callId"]] = {"stdout": "", "stderr": ""}
        elif kind == "tool-output" and data["callId"] in self._outputs:
            self._outputs[data["callId"]][data["source"]] += data["chunk"]
        elif kind == "tool-result" and data["callId"] in self._outputs:
            self._result(data["callId"], data["note"])

    def _result(self, call_id: str, note: str) -> Message:
        text = result_text(**self._outputs.pop(call_id), note=note)
        whole = self.call_id(call_id)
        result = {"id": f"{whole}-result", "role": "tool", "toolCallId": whole, "content": text}
        self.results[call_id] = result
        self._made.append(result)
        return result

    def _stop(self) -> None:
        self.stopped = [self._result(call_id, STOPPED) for call_id in list(self._outputs)]
