"""What is special about OpenAI-compatible endpoints."""

from __future__ import annotations

import json

from agent.messages import Message, ModelReply, ToolCall, Usage
from lab import llm
from lab.llm import Handler, serving
from tests.agent.endpoints import HELLO, KEY, ask
from tests.agent.fakes import Events


def test_the_request_holds_tools_history_and_the_wish_for_usage() -> None:
    call = ToolCall(id="1", name="terminal", args={"command": "ls"})
    messages = [
        *HELLO,
        Message(role="assistant", content="x", tool_calls=[call]),
        Message(role="tool", content="y", tool_call_id="1"),
    ]
    with serving(llm.says("ok")) as server:
        ask(server, "openai", messages=messages)
    [request] = server.requests
    assert request["key"] == f"Bearer {KEY}"
    assert (request["stream"], request["stream_options"]) == (True, {"include_usage": True})
    assert request["max_tokens"] == 8_000
    assert "terminal" in [tool["function"]["name"] for tool in request["tools"]]
    assert json.loads(request["messages"][2]["tool_calls"][0]["function"]["arguments"]) == {"command": "ls"}
    assert request["messages"][3] == {"role": "tool", "content": "y", "tool_call_id": "1"}


def test_a_new_id_at_the_same_index_is_a_new_call() -> None:
    """FINDINGS D4: parallel calls that share `index: 0` were glued together and both lost."""

    def answer(handler: Handler) -> None:
        handler.start_stream()
        for id, command in (("a", "ls"), ("b", "pwd")):
            head = {"index": 0, "id": id, "type": "function"}
            handler.send_delta(tool_calls=[{**head, "function": {"name": "terminal", "arguments": '{"command"'}}])
            handler.send_delta(tool_calls=[{"index": 0, "function": {"arguments": f': "{command}"}}'}}])
        handler.send_delta(finish_reason="tool_calls")

    with serving(answer) as server:
        calls = ask(server, "openai").tool_calls
    assert [(call.id, call.args) for call in calls] == [("a", {"command": "ls"}), ("b", {"command": "pwd"})]


def test_an_id_that_comes_with_every_piece_is_one_call() -> None:
    def answer(handler: Handler) -> None:
        handler.start_stream()
        for piece in ('{"command"', ': "ls"}'):
            function = {"name": "terminal", "arguments": piece}
            handler.send_delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": function}])
        handler.send_delta(finish_reason="tool_calls")

    with serving(answer) as server:
        assert ask(server, "openai").tool_calls == [ToolCall(id="a", name="terminal", args={"command": "ls"})]


def test_names_and_ids_that_a_later_request_would_be_refused_for_are_mended() -> None:
    def answer(handler: Handler) -> None:
        handler.start_stream()
        for index in range(2):
            function = {"name": "functions.terminal:0", "arguments": "{}"}
            handler.send_delta(tool_calls=[{"index": index, "id": "a/b", "type": "function", "function": function}])
        handler.send_delta(finish_reason="tool_calls")

    with serving(answer) as server:
        calls = ask(server, "openai").tool_calls
    assert [(call.id, call.name) for call in calls] == [
        ("a_b", "functions_terminal_0"),
        ("a_b_1", "functions_terminal_0"),
    ]


def test_a_refusal_in_its_own_field_holds_the_models_words() -> None:
    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.send_delta(refusal="I will ")
        handler.send_delta(refusal="not.")
        handler.send_delta(finish_reason="stop")

    with serving(answer) as server:
        reply = ask(server, "openai")
    assert (reply.stop, reply.text) == ("refused", "I will not.")


def test_cached_input_is_counted_as_such() -> None:
    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.send_delta(content="Hi")
        handler.send_delta(finish_reason="stop")
        usage = {"prompt_tokens": 100, "completion_tokens": 3, "total_tokens": 103}
        handler.send_chunk(usage={**usage, "prompt_tokens_details": {"cached_tokens": 64}})

    with serving(answer) as server:
        usage = ask(server, "openai").usage
    assert usage == Usage(input_tokens=100, output_tokens=3, cached_tokens=64)


def test_an_endpoint_that_counts_nothing_has_its_tokens_estimated() -> None:
    with serving(llm.says("Hi" * 100, usage=None)) as server:
        usage = ask(server, "openai").usage
    assert usage.input_tokens > 0
    assert usage.output_tokens == 50


def test_reasoning_under_its_other_name_is_reasoning() -> None:
    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.send_delta(reasoning="hmm")
        handler.send_delta(content="Hi")
        handler.send_delta(finish_reason="stop")

    events = Events()
    with serving(answer) as server:
        reply = ask(server, "openai", events)
    assert events.all == [("reasoning", "hmm"), ("text", "Hi")]
    assert reply == ModelReply(text="Hi", usage=reply.usage)
