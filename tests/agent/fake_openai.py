"""A chat-completions server over real HTTP that answers by script and remembers what it was asked."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Answer = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append({"path": self.path, "key": self.headers["authorization"], **body})
        answers = self.server.answers
        answers[min(len(self.server.requests), len(answers)) - 1](self)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True

    def send_chunk(self, **chunk: Any) -> None:
        body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], **chunk}
        self.wfile.write(f"data: {json.dumps(body)}\n\n".encode())
        self.wfile.flush()

    def send_delta(self, finish_reason: str | None = None, **delta: Any) -> None:
        self.send_chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])

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
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


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


def says(*pieces: str, calls: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Text in pieces, then tool calls (name, arguments), the arguments in two pieces each."""

    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.send_delta(role="assistant", content="")
        for piece in pieces:
            handler.send_delta(content=piece)
        for index, (name, arguments) in enumerate(calls):
            half = len(arguments) // 2
            head = {"index": index, "id": f"call_{index}", "type": "function"}
            handler.send_delta(tool_calls=[{**head, "function": {"name": name, "arguments": arguments[:half]}}])
            handler.send_delta(tool_calls=[{"index": index, "function": {"arguments": arguments[half:]}}])
        handler.send_delta(finish_reason="tool_calls" if calls else "stop")
        handler.send_chunk(usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
        handler.wfile.write(b"data: [DONE]\n\n")

    return answer


def fails(status: int, message: str = "no", **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        body = json.dumps({"error": {"message": message}}).encode()
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), "content-type": "application/json", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hangs_at_once(handler: Handler) -> None:
    handler.hold_until_hung_up()


def hangs_in_the_middle(handler: Handler) -> None:
    handler.start_stream()
    handler.send_delta(content="Hello")
    handler.hold_until_hung_up()


def breaks_off(handler: Handler) -> None:
    handler.start_stream()
    handler.send_delta(content="Hel")


def talks_nonsense(handler: Handler) -> None:
    handler.start_stream()
    handler.wfile.write(b"data: {oops\n\n")
