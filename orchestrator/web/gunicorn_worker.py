"""gunicorn's gevent worker, made to leave at once and not to wait for clients that do not send what they began."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import Any, Final

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn.workers.ggevent import GeventWorker

from orchestrator.web.access_log import forget_request
from orchestrator.web.connection import Debtors, LeftConnection, Patience, TimedBody, TimedSocket
from orchestrator.web.gunicorn_answer import keep_at_hand

MOST_HEADS: Final = 512
"""Connections of a process that may be idle or have sent half a head; far more than a router keeps open."""

MOST_BODIES: Final = 128
"""And those that may have sent half a body."""

MOST_AT_WORK: Final = 64
"""Connections that have a greenlet; while there are more, new ones are taken one a turn of the loop, not MOST_ACCEPTED.
The others wait in the system's queue: a thousand streams that are opened side by side leave a heap behind that is three
times that of the open streams."""

MOST_ACCEPTED: Final = 16

SMALL_BODY: Final = 65_536
"""Bytes; no route refuses a body for less."""

INNGEST_PATH: Final = "/api/inngest"

SHARE_OF_FILES: Final = 4
"""Where the system allows few open files, neither may take more than one in so many."""


class DrainingWorker(GeventWorker):
    """``close_idle`` ends connections that wait for a next request, ``close_unfinished`` those that wait for a body.

    Streams leave their requests and come back.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heads, self._bodies = Debtors(_at_most(MOST_HEADS)), Debtors(_at_most(MOST_BODIES))
        self._sockets: dict[Any, TimedSocket] = {}
        self._serving: set[Any] = set()
        self._came_back = Pool(_at_most(MOST_HEADS))

    @cached_property
    def _patience(self) -> Patience:
        settings = self.wsgi.extensions["runwire"].settings  # type: ignore[attr-defined]  # the application, loaded by now
        return Patience(settings.request_head_timeout, settings.request_body_timeout)

    def init_process(self) -> None:
        keep_at_hand(self.cfg)
        super().init_process()

    def run(self) -> None:
        super().run()
        self._came_back.join(timeout=self.cfg.graceful_timeout)

    def handle(self, listener: Any, client: Any, addr: Any, ahead: bytes = b"") -> None:
        greenlet = gevent.getcurrent()
        self._sockets[greenlet] = TimedSocket(client, self._patience, listener, ahead)
        try:
            self._pace_accepting()
            super().handle(listener, self._sockets[greenlet], addr)  # type: ignore[arg-type]  # it is one to gunicorn
        finally:
            del self._sockets[greenlet]
            self._serving.discard(greenlet)
            self._pace_accepting()

    def _pace_accepting(self) -> None:
        StreamServer.max_accept = MOST_ACCEPTED if len(self._sockets) < MOST_AT_WORK else 1

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:  # type: ignore[override]  # its stubs know no context managers
        """Around the wait for a request: gunicorn ends the connection where none has come of it."""
        forget_request()
        greenlet = gevent.getcurrent()
        seconds = self.cfg.keepalive if greenlet in self._serving else self._patience.head
        sock = self._sockets[greenlet]
        sock.await_head(seconds)
        with suppress(TimeoutError), self._heads.owing(sock):
            yield

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        self._serving.add(gevent.getcurrent())
        sock.deadline = None
        sock.leave = partial(self._let_go, req, sock)
        if req.body is not None:
            req.body = TimedBody(req, sock, self._bodies)
            if _owes_a_small_body(req):
                req.body.await_more()
                if sock.hung_up:
                    raise StopIteration
        try:
            answered = super().handle_request(listener_name, req, sock, addr)
        except TimeoutError:  # the kernel's word for a client that takes nothing
            raise StopIteration from None
        finally:
            sock.stay()
        if req.body is not None:
            req.body.answered = True
        if sock.hung_up or sock.fileno() < 0 or not self.alive:
            raise StopIteration  # the end of the connection: it is broken, was given away, or the process ends
        return answered

    def _let_go(self, req: Any, sock: TimedSocket) -> LeftConnection | None:
        """The connection of a request whose head and first bytes have been sent."""
        if self.cfg.is_ssl or self.cfg.proxy_protocol != "off":
            return None  # more than the bytes of requests and answers is on it
        is_chunked = req.version > (1, 0)
        stays_open = is_chunked and req.body.is_whole and self.cfg.keepalive and not req.should_close()
        taker = self if stays_open else None
        return LeftConnection(sock.detach(), is_chunked, taker, sock.listener, req.unreader.take_buffered())

    def take_back(self, connection: LeftConnection) -> None:
        if self.alive and not self._came_back.full():
            self._came_back.spawn(self._serve_on, connection)
        else:
            connection.close()

    def _serve_on(self, connection: LeftConnection) -> None:
        self._serving.add(gevent.getcurrent())  # as one that has had its first request
        with socket.socket(fileno=connection.descriptor) as client:
            try:
                peer = client.getpeername()
            except OSError:
                return  # it has gone meanwhile
            self.handle(connection.listener, client, peer, connection.ahead)

    def close_idle(self) -> None:
        self._heads.hang_up()

    def close_unfinished(self) -> None:
        self._bodies.hang_up()


def _owes_a_small_body(req: Any) -> bool:
    """Whether the client has announced a body that is not here yet, and will surely be read.

    Not where it waits for a word of ours first, nor where it may be refused unread: for its length, or its signature.
    """
    fields = dict(req.headers)
    length = fields.get("CONTENT-LENGTH", "")
    if not length.isdecimal() or "EXPECT" in fields or req.path.startswith(INNGEST_PATH):
        return False
    return len(req.unreader.buf.getvalue()) < int(length) <= SMALL_BODY


def _at_most(wanted: int) -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files < 0 else min(wanted, files // SHARE_OF_FILES)
