"""Endpoints that lack something: it is noticed once, said in words, and done without. FINDINGS D6."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from agent.errors import PermanentError
from agent.messages import Message, ToolCall
from agent.models import features
from agent.tools import specs
from lab import llm
from lab.llm import PROTOCOLS, ProtocolName, refuses_if, serving
from tests.agent.endpoints import HELLO, ask, model_at
from tests.agent.fakes import Events

Request = dict[str, Any]

both = pytest.mark.parametrize("protocol", PROTOCOLS)


def has_system(request: Request) -> bool:
    return "system" in request or any(message["role"] == "system" for message in request["messages"])


@pytest.mark.parametrize(
    ("is_there", "status", "message", "feature"),
    [
        (
            lambda r: "stream_options" in r,
            400,
            "Unrecognized request argument supplied: stream_options",
            "stream_options",
        ),
        (lambda r: "stream_options" in r, 422, "body.stream_options: Extra inputs are not permitted", "stream_options"),
        (lambda r: "stream_options" in r, 400, "Bad Request", "stream_options"),
        (lambda r: "max_tokens" in r, 400, "max_tokens is too large: 8000. At most 4096 are supported", "max_tokens"),
        (lambda r: "tools" in r, 400, "registry/gemma does not support tools", "tools"),
        (lambda r: "tools" in r, 500, "tools param requires --jinja flag", "tools"),
        (has_system, 400, "System role not supported", "system"),
        (lambda r: r.get("stream"), 400, "Streaming is not supported for this model", "stream"),
    ],
    ids=["options-unknown", "options-extra", "options-vague", "max-tokens", "tools", "tools-500", "system", "stream"],
)
def test_what_an_openai_endpoint_refuses_is_done_without(
    is_there: Callable[[Request], bool], status: int, message: str, feature: features.Name
) -> None:
    events = Events()
    otherwise = llm.whole(llm.says("Hi")) if feature == "stream" else llm.says("Hi")
    with serving(refuses_if(is_there, llm.fails(status, message), otherwise)) as server:
        model = model_at(server, "openai")
        assert [model.reply(HELLO, specs(), events).text for _ in range(2)] == ["Hi", "Hi"]
    assert len(server.requests) == 3, "noticed more than once"
    assert events.of("status") == [f"About m's endpoint: {features.WORDS[feature]}"]


@pytest.mark.parametrize(
    ("is_there", "message", "feature"),
    [
        (lambda r: "cache_control" in json.dumps(r), "cache_control: Extra inputs are not permitted", "cache"),
        (lambda r: r["max_tokens"] > 4096, "max_tokens: 8000 > 4096, which is the maximum allowed", "max_tokens"),
        (lambda r: "tools" in r, "tools: this model does not support tool use", "tools"),
        (has_system, "system: not supported", "system"),
    ],
    ids=["cache", "max-tokens", "tools", "system"],
)
def test_what_an_anthropic_endpoint_refuses_is_done_without(
    is_there: Callable[[Request], bool], message: str, feature: features.Name
) -> None:
    events = Events()
    with serving(refuses_if(is_there, llm.fails(400, message), llm.says("Hi"))) as server:
        model = model_at(server, "anthropic")
        assert [model.reply(HELLO, specs(), events).text for _ in range(2)] == ["Hi", "Hi"]
    assert len(server.requests) == 3, "noticed more than once"
    assert events.of("status") == [f"About m's endpoint: {features.WORDS[feature]}"]


@both
def test_an_endpoint_that_ignores_the_wish_to_stream_is_taken_as_it_is(protocol: ProtocolName) -> None:
    calls = (("terminal", '{"command": "ls"}'),)
    events = Events()
    with serving(llm.whole(llm.says("Look", calls=calls))) as server:
        reply = ask(server, protocol, events)
    assert reply.text == events.text() == "Look"
    assert reply.tool_calls == [ToolCall(id="call_0", name="terminal", args={"command": "ls"})]
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 3)
    assert events.of("status") == [f"About m's endpoint: {features.WORDS['stream']}"]
    assert len(server.requests) == 1


@both
def test_without_tools_calls_are_read_from_the_text(protocol: ProtocolName) -> None:
    written = 'I look.\n```tool\n{"name": "terminal", "args": {"command": "ls"}}\n```\n'
    answer = refuses_if(lambda r: "tools" in r, llm.fails(400, "does not support tools"), llm.says(written))
    with serving(answer) as server:
        model = model_at(server, protocol)
        reply = model.reply(HELLO, specs(), Events())
        said = Message(role="assistant", content=reply.text, tool_calls=reply.tool_calls)
        result = Message(role="tool", content="a.txt", tool_call_id=reply.tool_calls[0].id)
        model.reply([*HELLO, said, result], specs(), Events())
    assert (reply.text, reply.tool_calls) == (
        "I look.",
        [ToolCall(id="call_0", name="terminal", args={"command": "ls"})],
    )
    told = json.dumps(server.requests[-1])
    assert "tool_use" not in told.replace("disable_parallel_tool_use", "")
    assert '"role": "tool"' not in told
    assert "a.txt" in told
    assert "JSON Schema" in told


@both
def test_without_parallel_calls_the_history_has_one_call_at_a_time(protocol: ProtocolName) -> None:
    def has_two(request: Request) -> bool:
        return any(
            len(message.get("tool_calls") or ()) > 1
            or sum(block["type"] == "tool_use" for block in message["content"] if isinstance(block, dict)) > 1
            for message in request["messages"]
        )

    calls = [ToolCall(id=id, name="terminal", args={"command": id}) for id in "ab"]
    results = [Message(role="tool", content=f"of {id}", tool_call_id=id) for id in "ab"]
    messages = [*HELLO, Message(role="assistant", content="Two", tool_calls=calls), *results]
    refusal = llm.fails(400, "This model only supports single tool-calls at once!")
    with serving(refuses_if(has_two, refusal, llm.says("Hi"))) as server:
        assert ask(server, protocol, messages=messages).text == "Hi"
    roles = [message["role"] for message in server.requests[-1]["messages"]]
    expected = (
        ["system", "user", *["assistant", "tool"] * 2] if protocol == "openai" else ["user", *["assistant", "user"] * 2]
    )
    assert roles == expected


def test_a_guess_that_does_not_help_is_not_remembered() -> None:
    with serving(llm.fails(400, "Bad Request"), llm.fails(400, "Bad Request"), llm.says("Hi")) as server:
        model = model_at(server, "openai")
        with pytest.raises(PermanentError):
            model.reply(HELLO, specs(), Events())
        model.reply(HELLO, specs(), Events())
    assert ["stream_options" in request for request in server.requests] == [True, False, True]
