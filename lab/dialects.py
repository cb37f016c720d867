"""How the two providers write what a model says, byte for byte as far as a client can see: a dialect each."""

from __future__ import annotations

import json
from typing import Any, Protocol

Calls = tuple[tuple[str, str], ...]
"""Tool calls: name, arguments as JSON."""

OPENAI_STOPS = {"": "stop", "calls": "tool_calls", "refusal": "content_filter"}
ANTHROPIC_STOPS = {"": "end_turn", "calls": "tool_use", "length": "max_tokens"}
"""Our names for why a reply ends → each provider's; any other is sent as it is."""


class Wire(Protocol):
    """What a dialect writes to: a request's handler."""

    @property
    def wfile(self) -> Any: ...
    def start_stream(self) -> None: ...
    def send_event(self, data: dict[str, Any], name: str | None = None) -> None: ...
    def send_chunk(self, **chunk: Any) -> None: ...
    def send_delta(self, finish_reason: str | None = None, **delta: Any) -> None: ...


class Dialect(Protocol):
    def begin(self) -> None: ...
    def reason(self, piece: str) -> None: ...
    def say(self, piece: str) -> None: ...
    def call(self, number: int, name: str, arguments: str) -> None: ...
    def end(self, stop: str | None, usage: tuple[int, int] | None) -> None: ...
    def whole(self, text: str, calls: Calls, stop: str) -> dict[str, Any]:
        """A reply in one piece."""

    def fail(self, kind: str, message: str) -> None:
        """An error in the middle of a stream."""

    def error(self, kind: str, message: str) -> dict[str, Any]: ...


class OpenAI:
    def __init__(self, handler: Wire) -> None:
        self.handler = handler

    def begin(self) -> None:
        self.handler.start_stream()
        self.handler.send_delta(role="assistant", content="")

    def reason(self, piece: str) -> None:
        self.handler.send_delta(reasoning_content=piece)

    def say(self, piece: str) -> None:
        self.handler.send_delta(content=piece)

    def call(self, number: int, name: str, arguments: str) -> None:
        half = len(arguments) // 2
        head = {"index": number, "id": f"call_{number}", "type": "function"}
        self.handler.send_delta(tool_calls=[{**head, "function": {"name": name, "arguments": arguments[:half]}}])
        self.handler.send_delta(tool_calls=[{"index": number, "function": {"arguments": arguments[half:]}}])

    def end(self, stop: str | None, usage: tuple[int, int] | None) -> None:
        self.handler.send_delta(finish_reason=OPENAI_STOPS.get(stop or "", stop))
        if usage is not None:
            read, wrote = usage
            self.handler.send_chunk(
                usage={"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
            )
        self.handler.wfile.write(b"data: [DONE]\n\n")

    def whole(self, text: str, calls: Calls, stop: str) -> dict[str, Any]:
        tools = [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(calls)
        ]
        message = {"role": "assistant", "content": text, **({"tool_calls": tools} if tools else {})}
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": OPENAI_STOPS.get(stop, stop)}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }

    def fail(self, kind: str, message: str) -> None:
        self.handler.send_event(self.error(kind, message))

    def error(self, kind: str, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "code": kind, "param": None}}


class Anthropic:
    def __init__(self, handler: Wire) -> None:
        self.handler = handler
        self.index = -1
        self.open = ""

    def begin(self) -> None:
        self.handler.start_stream()
        usage = {"input_tokens": 7, "output_tokens": 1}
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": []}
        self._send("message_start", message={**head, "stop_reason": None, "stop_sequence": None, "usage": usage})

    def reason(self, piece: str) -> None:
        self._open("thinking", thinking="", signature="")
        self._delta("thinking_delta", thinking=piece)

    def say(self, piece: str) -> None:
        self._open("text", text="")
        self._delta("text_delta", text=piece)

    def call(self, number: int, name: str, arguments: str) -> None:
        half = len(arguments) // 2
        self._open("tool_use", id=f"call_{number}", name=name, input={})
        self._delta("input_json_delta", partial_json=arguments[:half])
        self._delta("input_json_delta", partial_json=arguments[half:])

    def end(self, stop: str | None, usage: tuple[int, int] | None) -> None:
        self._close()
        delta = {"stop_reason": ANTHROPIC_STOPS.get(stop or "", stop), "stop_sequence": None}
        self._send("message_delta", delta=delta, usage={"output_tokens": usage[1] if usage else 0})
        self._send("message_stop")

    def whole(self, text: str, calls: Calls, stop: str) -> dict[str, Any]:
        said = [{"type": "text", "text": text}] if text else []
        tools = [
            {"type": "tool_use", "id": f"call_{number}", "name": name, "input": json.loads(arguments)}
            for number, (name, arguments) in enumerate(calls)
        ]
        return {
            **{"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [*said, *tools]},
            **{"stop_reason": ANTHROPIC_STOPS.get(stop, stop), "stop_sequence": None},
            "usage": {"input_tokens": 7, "output_tokens": 3},
        }

    def fail(self, kind: str, message: str) -> None:
        self.handler.send_event(self.error(kind, message), "error")

    def error(self, kind: str, message: str) -> dict[str, Any]:
        return {"type": "error", "error": {"type": kind, "message": message}}

    def _open(self, kind: str, **block: Any) -> None:
        if self.open == kind != "tool_use":
            return
        self._close()
        self.index, self.open = self.index + 1, kind
        self._send("content_block_start", index=self.index, content_block={"type": kind, **block})

    def _delta(self, kind: str, **delta: Any) -> None:
        self._send("content_block_delta", index=self.index, delta={"type": kind, **delta})

    def _close(self) -> None:
        if self.open:
            self._send("content_block_stop", index=self.index)
        self.open = ""

    def _send(self, name: str, **data: Any) -> None:
        self.handler.send_event({"type": name, **data}, name)
