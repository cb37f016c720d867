"""Endpoints that send what is not of their protocol, or never come to an end: an answer for it, never a crash."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from contextlib import suppress
from typing import Any

import pytest

from agent.errors import TransientError
from agent.messages import ModelReply, Usage
from agent.models import assembly, text_tools, wire
from lab.llm import PROTOCOLS, Answer, Handler, ProtocolName, says, serving
from tests.agent.endpoints import ask
from tests.agent.fakes import Events

both = pytest.mark.parametrize("protocol", PROTOCOLS)


def sends(*events: Any) -> Answer:
    """These, whatever they are; a string is the data of an event as it stands."""

    def answer(handler: Handler) -> None:
        handler.start_stream()
        for event in events:
            name = event.get("type", "") if isinstance(event, dict) else ""
            data = event if isinstance(event, str) else json.dumps(event)
            handler.wfile.write(f"event: {name or 'message_start'}\ndata: {data}\n\n".encode())

    return answer


def pours(*pieces: bytes, kind: str = "text/event-stream", status: int = 200, **headers: str) -> Answer:
    """The first pieces once and the last one for ever, until nobody listens any more."""

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.close_connection = True
        for name, value in {"content-type": kind, "connection": "close", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with suppress(OSError):
            for piece in itertools.chain(pieces, itertools.repeat(pieces[-1])):
                handler.wfile.write(piece)
        handler.server.was_hung_up.set()

    return answer


def chunk(**parts: Any) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], **parts}


def delta(finish_reason: Any = None, **said: Any) -> dict[str, Any]:
    return chunk(choices=[{"index": 0, "delta": said, "finish_reason": finish_reason}])


def called(**call: Any) -> dict[str, Any]:
    function = {"name": "listFiles", "arguments": "{}"} | call.pop("function", {})
    return delta(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": function, **call}])


END = delta("stop")
STARTED = {"type": "message_start", "message": {"type": "message", "role": "assistant", "content": [], "usage": {}}}


def begun(block: Any, index: Any = 0) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def went_on(piece: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": piece}


def stopped(reason: Any = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage}


GARBLED: dict[str, tuple[ProtocolName, tuple[Any, ...]]] = {
    "a list": ("openai", ([1], END)),
    "null": ("openai", (None, END)),
    "choices that are text": ("openai", (chunk(choices="abc"), END)),
    "a choice that is text": ("openai", (chunk(choices=["x"]), END)),
    "a finish reason that is a list": ("openai", (delta(["stop"], content="Hi"),)),
    "a number of 5,000 digits": ("openai", ('{"x": ' + "9" * 5_000 + "}",)),
    "100,000 lists in each other": ("openai", ("[" * 100_000,)),
    "usage that is text": ("openai", (chunk(usage="x"), END)),
    "Anthropic's null": ("anthropic", (None,)),
    "a start without a message": ("anthropic", ({"type": "message_start"}, stopped())),
    "a block that is none": ("anthropic", (STARTED, begun(None), stopped())),
    "a piece that is none": ("anthropic", (STARTED, went_on(None), stopped())),
    "an index that is a list": ("anthropic", (STARTED, begun({"type": "tool_use", "input": {}}, [0]), stopped())),
    "a stop that is a list": ("anthropic", (STARTED, stopped(["x"]))),
}


@pytest.mark.parametrize(("protocol", "events"), GARBLED.values(), ids=GARBLED)
def test_what_is_not_of_the_protocol_is_said_and_asked_for_again(
    protocol: ProtocolName, events: tuple[Any, ...]
) -> None:
    with serving(sends(*events)) as server, pytest.raises(TransientError, match="does not keep to its protocol"):
        ask(server, protocol)


@both
def test_bytes_that_are_no_text_are_not_of_the_protocol(protocol: ProtocolName) -> None:
    def answer(handler: Handler) -> None:
        handler.send_body(200, b"event: message_start\ndata: \xff\n\n", "text/event-stream")

    with serving(answer) as server, pytest.raises(TransientError, match="does not keep to its protocol"):
        ask(server, protocol)


NO_COUNTS: dict[str, Any] = {
    "negative": -5,
    "text": "many",
    "NaN": float("nan"),
    "infinite": float("inf"),
    "400 digits": 10**400,
    "a list": [5],
}


@both
@pytest.mark.parametrize("count", NO_COUNTS.values(), ids=NO_COUNTS)
def test_a_count_that_is_none_is_estimated(protocol: ProtocolName, count: Any) -> None:
    """A negative one would give a run more to use than it may, and the metrics cannot count it."""
    openai = (delta("stop", content="Hi"), chunk(usage={"prompt_tokens": count, "completion_tokens": 1}))
    text = {"type": "text", "text": "Hi"}
    anthropic = (STARTED | {"message": {"usage": None}}, begun(text), stopped(output_tokens=count))
    with serving(sends(*(openai if protocol == "openai" else anthropic))) as server:
        reply = ask(server, protocol)
    assert (reply.text, reply.usage) == ("Hi", Usage(input_tokens=11, output_tokens=0))


def test_no_more_can_be_cached_than_was_read() -> None:
    """It would make the cost negative."""
    usage = {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 99}}
    with serving(sends(delta("stop", content="Hi"), chunk(usage=usage))) as server:
        assert ask(server, "openai").usage == Usage(input_tokens=3, output_tokens=1, cached_tokens=3)


@pytest.mark.parametrize(
    "call",
    [{"id": 7}, {"id": ["a"]}, {"index": [0]}, {"function": {"name": 5}}, {"function": {"name": ["listFiles"]}}],
    ids=str,
)
def test_a_call_whose_parts_are_no_text_is_still_one(call: dict[str, Any]) -> None:
    with serving(sends(called(**call), END)) as server:
        [found] = ask(server, "openai").tool_calls
    assert found.id in ("call_0", "a")
    assert found.name in ("unknown", "listFiles")


ODD_ARGUMENTS = {
    "NaN": '{"a": NaN}',
    "more than there is": '{"a": 1e400}',
    "deep": '{"a":' + "[" * 300 + "]" * 300 + "}",
    "deeper": '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
    "a number of 5,000 digits": '{"a":' + "9" * 5_000 + "}",
}


@both
@pytest.mark.parametrize("arguments", ODD_ARGUMENTS.values(), ids=ODD_ARGUMENTS)
def test_arguments_that_other_readers_would_refuse_are_malformed(protocol: ProtocolName, arguments: str) -> None:
    """NaN is no JSON for a viewer or a provider, and what is nested deeply cannot be written out again."""
    with serving(says(calls=(("listFiles", arguments),))) as server:
        [call] = ask(server, protocol).tool_calls
    assert (call.args, call.malformed) == ({}, arguments)


@pytest.mark.parametrize("args", ['{"a": NaN}', '"x"', "[]", '{"command": "\\ud800"}'])
def test_calls_that_are_written_as_text_are_read_as_strictly(args: str) -> None:
    reply = text_tools.parsed(ModelReply(text=f'```tool\n{{"name": "terminal", "args": {args}}}\n```'))
    [call] = reply.tool_calls
    assert call.malformed is not None or call.args in ({}, {"command": "?"})
    reply.model_dump_json().encode()


@both
def test_a_reply_that_never_ends_is_taken_for_cut(protocol: ProtocolName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MAX_REPLY", 10_000)
    piece = went_on({"type": "text_delta", "text": "again "}) if protocol == "anthropic" else delta(content="again ")
    start = b"event: message_start\ndata: " + json.dumps(STARTED).encode() + b"\n\n"
    again = b"event: content_block_delta\ndata: " + json.dumps(piece).encode() + b"\n\n"
    with serving(pours(*([start, again] if protocol == "anthropic" else [again]))) as server:
        reply = ask(server, protocol)
        assert server.was_hung_up.wait(30)
    assert (reply.stop, len(reply.text)) == ("length", 10_000)


@both
def test_more_calls_than_anybody_makes_are_taken_for_cut(protocol: ProtocolName) -> None:
    with serving(says(calls=(("listFiles", "{}"),) * 5_000)) as server:
        reply = ask(server, protocol)
    assert (reply.stop, len(reply.tool_calls)) == ("length", assembly.MAX_CALLS)
    assert len({call.id for call in reply.tool_calls}) == assembly.MAX_CALLS


ENDLESS = {
    "a line": (b"data: " + b"x" * 65_536, "an event of"),
    "lines without a blank one": (b"x\n" * 32_768, "line ends"),
    "pings": (b": ping\n\n" * 8_192, "more than"),
}


@both
@pytest.mark.parametrize(("piece", "words"), ENDLESS.values(), ids=ENDLESS)
def test_a_stream_without_a_reply_comes_to_an_end(
    protocol: ProtocolName, piece: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_EVENT", 2_000_000)
    monkeypatch.setattr(wire, "MAX_BYTES", 8_000_000)
    with serving(pours(piece)) as server, pytest.raises(TransientError, match=words):
        ask(server, protocol)


@both
@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_answer_without_an_end_is_not_read_for_ever(
    protocol: ProtocolName, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_BYTES", 2_000_000)
    answer = pours(b"x" * 65_536, kind="application/json", status=status)
    with serving(answer) as server, pytest.raises(TransientError, match="more than 2,000,000 bytes"):
        ask(server, protocol)


@both
@pytest.mark.parametrize("status", [200, 400])
def test_what_comes_packed_is_not_unpacked(protocol: ProtocolName, status: int) -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    def answer(handler: Handler) -> None:
        assert handler.headers["accept-encoding"] == "identity"
        handler.send_body(status, bomb, content_encoding="gzip")

    with serving(answer) as server, pytest.raises(TransientError, match="gzip, which was not asked for"):
        ask(server, protocol)


@both
def test_a_reader_that_falls_behind_is_waited_for(protocol: ProtocolName) -> None:
    """What nobody has taken yet would be held in memory."""
    written = itertools.count()

    def answer(handler: Handler) -> None:
        dialect = handler.dialect
        dialect.begin()
        with suppress(OSError):
            for _ in range(200_000):
                dialect.say("x" * 1_000)
                next(written)

    class Enough(Exception):
        pass

    def slow() -> None:
        if events.all:
            time.sleep(2)
            raise Enough

    events = Events(on_check=slow)
    with serving(answer) as server, pytest.raises(Enough):
        ask(server, protocol, events)
    assert next(written) < 20_000
