"""A language model over real HTTP that answers by script, in OpenAI's protocol and in Anthropic's.

An answer is written once and speaks whichever protocol it is asked in (``lab.dialects``).
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from lab.dialects import Anthropic, Calls, Dialect, OpenAI

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


@dataclass(frozen=True)
class Reply:
    """A whole reply: reasoning and text in pieces, then tool calls (name, arguments as JSON)."""

    pieces: tuple[str, ...] = ()
    calls: Calls = ()
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


def says(*pieces: str, calls: Calls = (), **more: Any) -> Reply:
    """Text in pieces, then tool calls (name, arguments), the arguments in two pieces each."""
    return replace(Reply(pieces, calls, stop="calls" if calls else ""), **more)


def writes(*pieces: str, **more: Any) -> Reply:
    """A reply that makes ``index.html``."""
    files = [{"path": "index.html", "content": "<title>x</title>"}]
    return says(*pieces, calls=(("createOrUpdateFiles", json.dumps({"files": files})),), **more)


def whole(reply: Reply) -> Answer:
    """The same in one piece of JSON, whether a stream was asked for or not."""

    def answer(handler: Handler) -> None:
        body = handler.dialect.whole("".join(reply.pieces), reply.calls, reply.stop)
        handler.send_body(200, json.dumps(body).encode())

    return answer


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
