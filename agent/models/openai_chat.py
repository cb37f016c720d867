"""Any OpenAI-compatible endpoint, through the official SDK: chat completions with tool calls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any, Final, cast

import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessage
from openai.types.chat.chat_completion_chunk import ChoiceDelta

from agent.errors import TransientError
from agent.messages import Message, Stop, ToolCall, ToolSpec, Usage
from agent.models import reading
from agent.models.assembly import Assembly
from agent.models.connection import TIMEOUT, WHOLE_TIMEOUT, Connection, Stream, http
from agent.models.features import Lacks
from agent.models.specs import ModelSpec
from agent.models.wire import NoReply

NO_KEY: Final = "none"
"""The SDK insists on a key, also for local servers that want none."""

STOPS: Final[dict[str, Stop]] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "refused",
    "refusal": "refused",
    "safety": "refused",
}
"""Any other reason means that the model has ended by itself; ``BROKEN`` ones that something went wrong."""
BROKEN: Final = frozenset({"error", "abort", "network_error", "insufficient_system_resource"})

Item = ChatCompletionChunk | ChatCompletion


class OpenAIChat:
    """Building one costs nothing; its client, which loads the certificates, is made at the first request."""

    error: type[Exception] = openai.OpenAIError

    def __init__(self, api_key: str | None, base_url: str | None) -> None:
        self.api_key = api_key or NO_KEY
        self._base_url = base_url

    @cached_property
    def _client(self) -> openai.OpenAI:
        # No retries here: the engine repeats the step, visibly and with the right delay.
        client = http(openai.DefaultHttpxClient)
        return openai.OpenAI(
            api_key=self.api_key, base_url=self._base_url, timeout=TIMEOUT, max_retries=0, http_client=client
        )

    def connection(
        self, spec: ModelSpec, messages: Sequence[Message], tools: Sequence[ToolSpec], lacks: Lacks
    ) -> Connection[Item]:
        body: dict[str, Any] = {"model": spec.id, "messages": [_message(message) for message in messages]}
        if tools:
            body["tools"] = [{"type": "function", "function": tool.model_dump()} for tool in tools]
        if tools and "parallel" in lacks:
            body["parallel_tool_calls"] = False
        if "max_tokens" not in lacks:
            # OpenAI's own newer models take only the second name, most other servers only the first.
            body["max_tokens" if self._base_url else "max_completion_tokens"] = spec.output
        if "stream" not in lacks and "stream_options" not in lacks:
            body["stream_options"] = {"include_usage": True}
        # Always asked for as a stream, so that the SDK hands over the response unread.
        extra = {"stream": False} if "stream" in lacks else {}
        timeout = WHOLE_TIMEOUT if "stream" in lacks else TIMEOUT
        create = partial(self._client.chat.completions.create, stream=True, extra_body=extra, timeout=timeout)
        return Connection(lambda: cast(Stream[Item], create(**body)), _whole)

    def take(self, item: Item, reply: Assembly) -> None:
        if item.usage is not None:
            reply.usage = _usage(item.usage)
        for choice in (item.choices or ())[:1]:  # none beside the usage
            said = choice.message if isinstance(item, ChatCompletion) else choice.delta  # type: ignore[union-attr]
            if said is not None:
                _take(said, reply)
            if choice.finish_reason in BROKEN:
                raise TransientError(f"The model's endpoint broke the reply off ({choice.finish_reason})")
            if choice.finish_reason is not None:
                reply.finish(STOPS.get(choice.finish_reason, "done"))


def _take(said: ChoiceDelta | ChatCompletionMessage, reply: Assembly) -> None:
    extra = said.model_extra or {}
    for name in ("reasoning_content", "reasoning"):  # DeepSeek's name and the others'
        if isinstance(thought := extra.get(name), str):
            reply.reasoning(thought)
            break
    if isinstance(said.content, str):
        reply.text(said.content)
    if said.refusal and isinstance(said.refusal, str):
        reply.refusal(said.refusal)
    for position, call in enumerate(said.tool_calls or ()):
        key = getattr(call, "index", None)
        function = getattr(call, "function", None)
        if function is not None:
            arguments = function.arguments
            if not isinstance(arguments, str | None):  # some local servers send the object itself
                arguments = json.dumps(arguments)
            place = key if isinstance(key, int) else position
            reply.call(place, reading.text(call.id), reading.text(function.name), arguments or "")


def _whole(raw: bytes) -> ChatCompletion:
    body = json.loads(raw)
    error = body.get("error") if isinstance(body, dict) else None
    if error or not isinstance(body, dict) or not body.get("choices"):
        words = error.get("message") if isinstance(error, dict) else error
        raise NoReply(words or raw.decode(errors="replace"))
    return ChatCompletion.construct(**body)


def _usage(usage: CompletionUsage) -> Usage | None:
    cached = getattr(usage.prompt_tokens_details, "cached_tokens", None)
    return reading.usage(usage.prompt_tokens, usage.completion_tokens, cached)


def _message(message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_call_id is not None:
        body["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        body["tool_calls"] = [_tool_call(call) for call in message.tool_calls]
    return body


def _tool_call(call: ToolCall) -> dict[str, Any]:
    # Malformed arguments go back as an empty object: several endpoints refuse a history that is not JSON.
    arguments = json.dumps(call.args, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
