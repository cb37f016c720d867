"""A language model over real HTTP that answers by script, in OpenAI's protocol and in Anthropic's.

An answer is written once and speaks whichever protocol it is asked in; the dialects below are those of the two
providers, byte for byte as far as a client can see.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

Answer = Callable[["Handler"], None]
ProtocolName = Literal["openai", "anthropic"]
PROTOCOLS: tuple[ProtocolName, ...] = ("openai", "anthropic")


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        body = json.loads(raw)
        key = self.headers["authorization"] or self.headers["x-api-key"]
        self.server.requests.append({"path": self.path, "key": key, "bytes": len(raw), **body})
        self.server.answer_for(body)(self)

    @property
    def dialect(self) -> Dialect:
        return Anthropic(self) if self.path.endswith("/messages") else OpenAI(self)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def send_event(self, data: dict[str, Any], name: str | None = None) -> None:
        event = f"event: {name}\n" if name else ""
        self.wfile.write(f"{event}data: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()

    def send_chunk(self, **chunk: Any) -> None:
        """A chunk of OpenAI's protocol, as given."""
        self.send_event(
            {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], **chunk}
        )

    def send_delta(self, finish_reason: str | None = None, **delta: Any) -> None:
        self.send_chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    def send_body(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.close_connection = True
        always = {"content-length": str(len(body)), "content-type": kind, "connection": "close"}
        for name, value in {**always, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def hold_until_hung_up(self) -> None:
        """Say nothing until the client has closed the connection, and report that."""
        self.server.is_silent.set()
        self.connection.settimeout(30)
        with suppress(ConnectionResetError):  # closed as well, only less politely
            self.connection.recv(1)
        self.server.was_hung_up.set()

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.requests: list[dict[str, Any]] = []
        self.is_silent = threading.Event()
        self.was_hung_up = threading.Event()
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.url = f"{self.origin}/v1"

    def answer_for(self, body: dict[str, Any]) -> Answer:
        """Its answers in turn, the last one again and again."""
        return self.answers[min(len(self.requests), len(self.answers)) - 1]

    def environment(self, protocol: ProtocolName = "openai") -> dict[str, str]:
        """What makes this server's model the one that ``auto`` means."""
        if protocol == "anthropic":
            return {"ANTHROPIC_API_KEY": "sk-test-anthropic", "ANTHROPIC_BASE_URL": self.origin}
        return {"OPENAI_BASE_URL": self.url}


@contextmanager
def serving(*answers: Answer) -> Iterator[Server]:
    """A server that gives ``answers`` in turn, the last one again and again."""
    server = Server(answers)
    threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


# -- the dialects: a reply in pieces, as each provider sends it


class Dialect(Protocol):
    def begin(self) -> None: ...
    def reason(self, piece: str) -> None: ...
    def say(self, piece: str) -> None: ...
    def call(self, number: int, name: str, arguments: str) -> None: ...
    def end(self, stop: str | None, usage: tuple[int, int] | None) -> None: ...
    def whole(self, reply: Reply) -> dict[str, Any]: ...
    def fail(self, kind: str, message: str) -> None:
        """An error in the middle of a stream."""

    def error(self, kind: str, message: str) -> dict[str, Any]: ...


class OpenAI:
    def __init__(self, handler: Handler) -> None:
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

    def whole(self, reply: Reply) -> dict[str, Any]:
        calls = [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(reply.calls)
        ]
        message = {"role": "assistant", "content": "".join(reply.pieces), **({"tool_calls": calls} if calls else {})}
        return {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": OPENAI_STOPS.get(reply.stop, reply.stop)}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }

    def fail(self, kind: str, message: str) -> None:
        self.handler.send_event(self.error(kind, message))

    def error(self, kind: str, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": kind, "code": kind, "param": None}}


class Anthropic:
    def __init__(self, handler: Handler) -> None:
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

    def whole(self, reply: Reply) -> dict[str, Any]:
        text = [{"type": "text", "text": "".join(reply.pieces)}] if reply.pieces else []
        calls = [
            {"type": "tool_use", "id": f"call_{number}", "name": name, "input": json.loads(arguments)}
            for number, (name, arguments) in enumerate(reply.calls)
        ]
        return {
            **{"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [*text, *calls]},
            **{"stop_reason": ANTHROPIC_STOPS.get(reply.stop, reply.stop), "stop_sequence": None},
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


OPENAI_STOPS = {"": "stop", "calls": "tool_calls", "refusal": "content_filter"}
ANTHROPIC_STOPS = {"": "end_turn", "calls": "tool_use", "length": "max_tokens"}
"""Our names for why a reply ends → each provider's; any other is sent as it is."""


# -- answers


@dataclass(frozen=True)
class Reply:
    """A whole reply: reasoning and text in pieces, then tool calls (name, arguments as JSON)."""

    pieces: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    reasoning: tuple[str, ...] = ()
    stop: str = ""
    usage: tuple[int, int] | None = (7, 3)

    def __call__(self, handler: Handler) -> None:
        dialect = handler.dialect
        dialect.begin()
        for piece in self.reasoning:
            dialect.reason(piece)
        for piece in self.pieces:
            dialect.say(piece)
        for number, (name, arguments) in enumerate(self.calls):
            dialect.call(number, name, arguments)
        dialect.end(self.stop, self.usage)


def says(*pieces: str, calls: tuple[tuple[str, str], ...] = (), **more: Any) -> Reply:
    """Text in pieces, then tool calls (name, arguments), the arguments in two pieces each."""
    return replace(Reply(pieces, calls, stop="calls" if calls else ""), **more)


def writes(*pieces: str, **more: Any) -> Reply:
    """A reply that makes ``index.html``."""
    files = [{"path": "index.html", "content": "<title>x</title>"}]
    return says(*pieces, calls=(("createOrUpdateFiles", json.dumps({"files": files})),), **more)


def whole(reply: Reply) -> Answer:
    """The same in one piece of JSON, whether a stream was asked for or not."""
    return lambda handler: handler.send_body(200, json.dumps(handler.dialect.whole(reply)).encode())


def fails(status: int, message: str = "no", kind: str = "some_error", **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_body(status, json.dumps(handler.dialect.error(kind, message)).encode(), **headers)

    return answer


def fails_inside(kind: str, message: str = "no") -> Answer:
    """Begins to speak and then sends an error instead of the rest."""

    def answer(handler: Handler) -> None:
        dialect = handler.dialect
        dialect.begin()
        dialect.say("Hel")
        dialect.fail(kind, message)

    return answer


def refuses_if(is_there: Callable[[dict[str, Any]], bool], refusal: Answer, otherwise: Answer) -> Answer:
    """For endpoints that lack something: ``refusal`` while the request still has it."""

    def answer(handler: Handler) -> None:
        (refusal if is_there(handler.server.requests[-1]) else otherwise)(handler)

    return answer


def hangs_at_once(handler: Handler) -> None:
    handler.hold_until_hung_up()


def hangs_in_the_middle(handler: Handler) -> None:
    dialect = handler.dialect
    dialect.begin()
    dialect.say("Hello")
    handler.hold_until_hung_up()


def breaks_off(handler: Handler) -> None:
    dialect = handler.dialect
    dialect.begin()
    dialect.say("Hel")


def talks_nonsense(handler: Handler) -> None:
    handler.start_stream()
    handler.wfile.write(b"event: message_start\ndata: {oops\n\n")


def hangs_up_at_once(handler: Handler) -> None:
    handler.close_connection = True
