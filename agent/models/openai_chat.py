"""Any OpenAI-compatible endpoint, through the official SDK: streamed chat completions with tool calls."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import lru_cache
from typing import Any, Final

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

from agent.errors import AgentError, PermanentError, TransientError
from agent.messages import Message, ModelReply, ToolCall, ToolSpec
from agent.models.deltas import Accumulator
from agent.protocols import Emit
from agent.waiting import attentive

TIMEOUT: Final = httpx2.Timeout(connect=10.0, read=120.0, write=30.0, pool=10.0)
"""Seconds. ``read`` is the longest silence inside a reply: a model that thinks says nothing for a minute or more."""
MAX_RETRY_AFTER: Final = 300.0
"""Seconds; a longer wish is not granted, the run would only sit there."""
NO_KEY: Final = "none"
"""The SDK insists on a key, also for local servers that want none."""

_clients = threading.Lock()


class OpenAIChat:
    """``name`` as the endpoint knows it. Building one costs nothing; the client is made at the first reply."""

    def __init__(self, name: str, api_key: str | None, base_url: str | None) -> None:
        self.name = name
        self.introduction = f"Working with {name}"
        self._api_key = api_key or NO_KEY
        self._base_url = base_url

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        call = _Call(_client(self._api_key, self._base_url), _body(self.name, messages, tools))
        reply = Accumulator()
        try:
            with closing(attentive(call.chunks(), check=emit.check, close=call.close)) as chunks:
                for chunk in chunks:
                    if text := reply.add(chunk):
                        emit("text", text)
        except (openai.OpenAIError, httpx2.HTTPError, json.JSONDecodeError) as error:
            raise _translated(error, self._api_key) from error
        if not reply.is_finished:
            raise TransientError("The model's reply ended in the middle.")
        return reply.result()


class _Call:
    """One streamed request, which another thread may close at any moment."""

    def __init__(self, client: openai.OpenAI, body: dict[str, Any]) -> None:
        self._client = client
        self._body = body
        self._stream: openai.Stream[ChatCompletionChunk] | None = None
        self._is_closed = threading.Event()

    def chunks(self) -> Iterator[ChatCompletionChunk]:
        with self._client.chat.completions.create(**self._body) as stream:
            self._stream = stream
            for chunk in stream:
                if self._is_closed.is_set():
                    return
                yield chunk
        self._stream = None

    def close(self) -> None:
        """Make ``chunks`` end: at once if the reply has begun, else when its first bytes or its timeout come."""
        self._is_closed.set()
        if self._stream is not None:
            _hang_up(self._stream.response)


@lru_cache(maxsize=8)
def _built(api_key: str, base_url: str | None) -> openai.OpenAI:
    # No retries here: the engine repeats the step, visibly and with the right delay.
    return openai.OpenAI(api_key=api_key, base_url=base_url, timeout=TIMEOUT, max_retries=0)


def _client(api_key: str, base_url: str | None) -> openai.OpenAI:
    with _clients:  # building one loads the certificates (0.1 s or more), so once per process
        return _built(api_key, base_url)


def _hang_up(response: httpx2.Response) -> None:
    """Break the connection under a reader that is blocked in another thread; closing alone would not wake it."""
    network = response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network is not None else None
    if connection is not None:
        with suppress(OSError):  # closed by the other side meanwhile
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _body(name: str, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
    return {
        "model": name,
        "messages": [_message(message) for message in messages],
        "tools": [{"type": "function", "function": tool.model_dump()} for tool in tools],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


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


def _translated(error: Exception, api_key: str) -> AgentError:
    """What the engine should do about ``error``, in words that never hold the key."""
    message = f"The model's endpoint: {str(error).replace(api_key, '…')[:500]}"
    if isinstance(error, openai.APIStatusError):
        if error.status_code in (408, 409, 429) or error.status_code >= 500:
            return TransientError(message, delay=_retry_after(error.response))
        return PermanentError(message)
    return TransientError(message)


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds, where the header names them (RFC 9110, 10.2.3); its other form, a date, is left to the engine."""
    try:
        return min(max(0.0, float(response.headers["retry-after"])), MAX_RETRY_AFTER)
    except (KeyError, ValueError):
        return None
