"""Anthropic's endpoint, and those that speak its protocol, through the official SDK: messages with tool use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, Final, cast

import anthropic
from anthropic.types import Message as AnthropicMessage
from anthropic.types import RawMessageStreamEvent

from agent.messages import Message, Stop, ToolSpec, Usage
from agent.models import reading
from agent.models.assembly import Assembly
from agent.models.connection import TIMEOUT, WHOLE_TIMEOUT, Connection, Stream, http
from agent.models.features import Lacks
from agent.models.specs import ModelSpec
from agent.models.wire import NoReply

STOPS: Final[dict[str, Stop]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "refusal": "refused",
}
"""Any other reason means that the model has ended by itself."""
SAFE_OUTPUT: Final = 4_096
"""Tokens of the longest reply that every model of this protocol allows, where ours was refused; it must be given."""
CACHED: Final = {"cache_control": {"type": "ephemeral"}}
"""Marks the end of what the provider shall cache: the stable opening, and the conversation up to here."""
NO_KEY: Final = "none"

Item = RawMessageStreamEvent | AnthropicMessage


class AnthropicMessages:
    """Building one costs nothing; its client is made at the first request."""

    error: type[Exception] = anthropic.AnthropicError

    def __init__(self, api_key: str | None, base_url: str | None) -> None:
        self.api_key = api_key or NO_KEY
        self._base_url = base_url

    @cached_property
    def _client(self) -> anthropic.Anthropic:
        # No retries here: the engine repeats the step, visibly and with the right delay.
        client = http(anthropic.DefaultHttpxClient)
        return anthropic.Anthropic(
            api_key=self.api_key, base_url=self._base_url, timeout=TIMEOUT, max_retries=0, http_client=client
        )

    def connection(
        self, spec: ModelSpec, messages: Sequence[Message], tools: Sequence[ToolSpec], lacks: Lacks
    ) -> Connection[Item]:
        cached = {} if "cache" in lacks else CACHED
        body: dict[str, Any] = {
            "model": spec.id,
            "max_tokens": min(spec.output, SAFE_OUTPUT) if "max_tokens" in lacks else spec.output,
            "messages": _messages(messages, cached),
        }
        if system := "\n\n".join(message.content for message in messages if message.role == "system"):
            body["system"] = [{"type": "text", "text": system, **cached}]
        if tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in tools
            ]
        if tools and "parallel" in lacks:
            body["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        # Always asked for as a stream, so that the SDK hands over the response unread.
        extra = {"stream": False} if "stream" in lacks else {}
        timeout = WHOLE_TIMEOUT if "stream" in lacks else TIMEOUT
        create = partial(self._client.messages.create, stream=True, extra_body=extra, timeout=timeout)
        return Connection(lambda: cast(Stream[Item], create(**body)), _whole)

    def take(self, item: Item, reply: Assembly) -> None:
        match item.type:
            case "message":
                for index, block in enumerate(item.content):
                    _begin(index, block, reply)
                _usage(item.usage, reply)
                _stop(item.stop_reason, reply)
            case "message_start":
                _usage(item.message.usage, reply)
            case "content_block_start":
                _begin(item.index, item.content_block, reply)
            case "content_block_delta":
                _go_on(item.index, item.delta, reply)
            case "message_delta":
                _usage(item.usage, reply)
                _stop(item.delta.stop_reason, reply)


def _begin(index: int, block: Any, reply: Assembly) -> None:
    match block.type:
        case "text":
            reply.text(reading.text(block.text))
        case "tool_use":
            arguments = json.dumps(block.input, ensure_ascii=False) if block.input else ""
            reply.call(index, reading.text(block.id), reading.text(block.name), arguments)
        case "thinking":
            thought = reading.text(block.thinking)
            reply.reasoning(thought)
            reply.blocks.append({"type": "thinking", "thinking": thought, "signature": reading.text(block.signature)})
        case "redacted_thinking":
            reply.blocks.append({"type": "redacted_thinking", "data": reading.text(block.data)})


def _go_on(index: int, delta: Any, reply: Assembly) -> None:
    match delta.type:
        case "text_delta":
            reply.text(reading.text(delta.text))
        case "input_json_delta":
            reply.call(index, "", "", reading.text(delta.partial_json))
        case "thinking_delta":
            thought = reading.text(delta.thinking)
            reply.reasoning(thought)
            if (block := _open_thought(reply)) is not None:
                block["thinking"] += thought
        case "signature_delta":
            if (block := _open_thought(reply)) is not None:
                block["signature"] = reading.text(delta.signature)


def _open_thought(reply: Assembly) -> dict[str, Any] | None:
    return reply.blocks[-1] if reply.blocks and reply.blocks[-1]["type"] == "thinking" else None


def _stop(reason: str | None, reply: Assembly) -> None:
    if reason is not None:
        reply.finish(STOPS.get(reason, "done"))


def _usage(usage: Any, reply: Assembly) -> None:
    """Counts are totals so far; what the end does not repeat stands from the start. Cached input is counted apart."""
    if usage is None:
        return
    cached = getattr(usage, "cache_read_input_tokens", None) or 0
    written = getattr(usage, "cache_creation_input_tokens", None) or 0
    now = reading.usage((usage.input_tokens or 0) + cached + written, usage.output_tokens, cached)
    if now is None:
        return
    before = reply.usage or Usage()
    reply.usage = Usage(
        input_tokens=max(now.input_tokens, before.input_tokens),
        output_tokens=max(now.output_tokens, before.output_tokens),
        cached_tokens=max(now.cached_tokens, before.cached_tokens),
    )


def _whole(raw: bytes) -> AnthropicMessage:
    body = json.loads(raw)
    if not isinstance(body, dict) or body.get("type") != "message" or not isinstance(body.get("content"), list):
        error = body.get("error") if isinstance(body, dict) else None
        words = error.get("message") if isinstance(error, dict) else raw.decode(errors="replace")
        raise NoReply(words)
    return AnthropicMessage.construct(**body)


def _messages(messages: Sequence[Message], cached: dict[str, Any]) -> list[dict[str, Any]]:
    """Alternating turns of blocks, as the protocol wants them; results belong to the user's turn after the call."""
    turns: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if not turns or turns[-1]["role"] != role:
            turns.append({"role": role, "content": []})
        turns[-1]["content"] += _blocks(message)
    if turns and turns[-1]["content"]:
        turns[-1]["content"][-1] |= cached
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.tool_call_id is not None:
        content = message.content if message.content.strip() else "(nothing)"
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": content}]
    text = [{"type": "text", "text": message.content}] if message.content.strip() else []
    calls = [{"type": "tool_use", "id": call.id, "name": call.name, "input": call.args} for call in message.tool_calls]
    # A thought without its signature, of an endpoint that only speaks the protocol, would be refused.
    thoughts = [block for block in message.blocks if block.get("signature") or block.get("data")]
    return [*thoughts, *text, *calls]
