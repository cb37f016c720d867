"""What is special about Anthropic's protocol."""

from __future__ import annotations

from agent.messages import Message, ToolCall, Usage
from agent.tools import specs
from lab import llm
from lab.dialects import Anthropic
from lab.llm import Handler, serving
from tests.agent.endpoints import HELLO, KEY, ask, model_at
from tests.agent.fakes import Events


def test_the_conversation_is_told_in_alternating_turns_of_blocks() -> None:
    calls = [ToolCall(id=id, name="terminal", args={"command": "ls"}) for id in "ab"]
    messages = [
        *HELLO,
        Message(role="assistant", content="", tool_calls=calls),
        Message(role="tool", content="y", tool_call_id="a"),
        Message(role="tool", content="", tool_call_id="b"),
    ]
    with serving(llm.says("ok")) as server:
        ask(server, "anthropic", messages=messages)
    [request] = server.requests
    assert request["key"].removeprefix("Bearer ") == KEY
    assert [block["text"] for block in request["system"]] == ["Be good"]
    assert [turn["role"] for turn in request["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in request["messages"][1]["content"]] == ["tool_use", "tool_use"]
    assert [block["tool_use_id"] for block in request["messages"][2]["content"]] == ["a", "b"]
    assert request["max_tokens"] == 8_000
    assert "input_schema" in request["tools"][0]


def test_the_opening_and_the_latest_message_are_marked_for_the_cache() -> None:
    with serving(llm.says("ok")) as server:
        ask(server, "anthropic")
    [request] = server.requests
    assert request["system"][-1]["cache_control"] == {"type": "ephemeral"}
    assert request["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}


def test_cached_input_is_part_of_all_input() -> None:
    def answer(handler: Handler) -> None:
        dialect = Anthropic(handler)
        handler.start_stream()
        usage = {"input_tokens": 5, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 5, "output_tokens": 1}
        head = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
        handler.send_event({"type": "message_start", "message": head}, "message_start")
        dialect.say("Hi")
        dialect.end("", (0, 12))

    with serving(answer) as server:
        assert ask(server, "anthropic").usage == Usage(input_tokens=100, output_tokens=12, cached_tokens=90)


def test_thinking_goes_back_with_its_signature() -> None:
    """The provider refuses a later request in which a thinking block is missing or changed."""

    def thinks(handler: Handler) -> None:
        dialect = Anthropic(handler)
        dialect.begin()
        dialect.reason("Let me ")
        dialect.reason("see")
        dialect._delta("signature_delta", signature="sig")
        dialect.call(0, "terminal", '{"command": "ls"}')
        dialect.end("calls", (7, 3))

    with serving(thinks) as server:
        model = model_at(server, "anthropic")
        reply = model.reply(HELLO, specs(), events := Events())
        said = Message(role="assistant", tool_calls=reply.tool_calls, blocks=reply.blocks)
        result = Message(role="tool", content="a", tool_call_id=reply.tool_calls[0].id)
        model.reply([*HELLO, said, result], specs(), Events())
    assert "".join(events.of("reasoning")) == "Let me see"
    first, second = server.requests[1]["messages"][1]["content"]
    assert first == {"type": "thinking", "thinking": "Let me see", "signature": "sig"}
    assert second["type"] == "tool_use"
