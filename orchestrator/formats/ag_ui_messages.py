"""A run's messages as AG-UI has them: the model's texts and thoughts, each tool call and its result."""

from __future__ import annotations

from ag_ui.core import AssistantMessage, FunctionCall, Message, ReasoningMessage, ToolCall, ToolMessage

from orchestrator.events import dumps
from orchestrator.formats.fold import result_text
from orchestrator.formats.history import CONTENT, Event

STOPPED = "stopped"


class Messages:
    """Grows event by event. Ids come from the events', so every viewer has the same, and no other run has them."""

    def __init__(self, run_id: str) -> None:
        self.open: tuple[str, str] | None = None
        """The kind and the id of the message that grows."""
        self.results: dict[str, ToolMessage] = {}
        self.stopped: list[ToolMessage] = []
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
            made = AssistantMessage if event["type"] == "text" else ReasoningMessage
            self._made.append(made(id=self.id_of(event), content=""))
        self._pieces.append(event["data"])

    def _settle(self) -> None:
        if self._pieces:
            message = self._made[-1]
            assert isinstance(message, AssistantMessage | ReasoningMessage)
            self._pieces = ["".join(self._pieces)]
            message.content = self._pieces[0]

    def _close(self) -> None:
        self._settle()
        self.open, self._of, self._pieces = None, None, []

    def _whole(self, event: Event) -> None:
        kind, data = event["type"], event["data"]
        if kind == "tool-call":
            function = FunctionCall(name=data["tool"], arguments=dumps(data["args"]))
            call = ToolCall(id=self.call_id(data["callId"]), function=function)
            self._made.append(AssistantMessage(id=self.id_of(event), tool_calls=[call]))
            self._outputs[data["callId"]] = {"stdout": "", "stderr": ""}
        elif kind == "tool-output" and data["callId"] in self._outputs:
            self._outputs[data["callId"]][data["source"]] += data["chunk"]
        elif kind == "tool-result" and data["callId"] in self._outputs:
            self._result(data["callId"], data["note"])

    def _result(self, call_id: str, note: str) -> ToolMessage:
        text = result_text(**self._outputs.pop(call_id), note=note)
        whole = self.call_id(call_id)
        result = self.results[call_id] = ToolMessage(id=f"{whole}-result", tool_call_id=whole, content=text)
        self._made.append(result)
        return result

    def _stop(self) -> None:
        self.stopped = [self._result(call_id, STOPPED) for call_id in list(self._outputs)]
