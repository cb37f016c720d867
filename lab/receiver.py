"""Where results go, over real HTTP: a server that keeps what it gets and answers by script."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

HELD_SECONDS = 60.0  # a test that forgets to let go must fail, not hang

Answer = Callable[["Handler"], None]


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.take(Request(self.path, headers, body))(self)

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Receiver(http.server.ThreadingHTTPServer):
    """Gives its answers in turn, the last one again and again."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: list[Request] = []
        self.let_go = threading.Event()
        self._answers = answers
        self._taking = threading.Lock()

    def script(self, *answers: Answer) -> None:
        """Forget what came and begin anew."""
        with self._taking:
            self.requests, self._answers = [], answers

    def take(self, request: Request) -> Answer:
        with self._taking:
            self.requests.append(request)
            return self._answers[min(len(self.requests), len(self._answers)) - 1]

    def of(self, run_id: str) -> list[Request]:
        return [request for request in self.requests if run_id in request.body.decode()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked has gone."""


def answers(status: int, body: Any = None, **headers: str) -> Answer:
    return lambda handler: handler.answer(status, body, **headers)


def hangs_up(handler: Handler) -> None:
    """Has taken the request and never says so."""
    handler.close_connection = True


def hangs(handler: Handler) -> None:
    """Says nothing until the test lets it."""
    handler.server.let_go.wait(HELD_SECONDS)
    handler.close_connection = True


def drips(handler: Handler) -> None:
    """A header without an end, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not handler.server.let_go.wait(0.05):
        handler.wfile.write(b"x")


TAKEN = answers(200)


@contextmanager
def receiving(*answers: Answer) -> Iterator[Receiver]:
    receiver = Receiver(*(answers or (TAKEN,)))
    threading.Thread(target=receiver.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield receiver
    finally:
        receiver.let_go.set()
        receiver.shutdown()
        receiver.server_close()
