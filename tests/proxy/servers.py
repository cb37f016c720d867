"""Servers on the host's loopback, for programs in a jail to ask for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = b"x" * 65_536


class Origin(ThreadingHTTPServer):
    """``/size/<n>`` answers n bytes, ``/to/<url>`` leads there, all else says what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[str] = []
        """Its requests."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Origin

    def do_GET(self) -> None:
        self.server.heard.append(f"{self.command} {self.path}")
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self._say(b"")
        elif self.path.startswith("/size/"):
            self._send(int(self.path.removeprefix("/size/")))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self.send_response(200)
            self._say(f"{self.command} {self.path} for {self.headers['Host']}: {body.decode()}\n".encode())

    do_POST = do_GET

    def _send(self, size: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        try:
            for _ in range(0, size, len(PIECE)):
                self.wfile.write(PIECE[:size])
                size -= len(PIECE)
        except OSError:
            self.close_connection = True

    def _say(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Origin]:
    with Origin() as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
