"""The time a client has to send what it owes: the rest of a request's head, and then its body.

gunicorn's gevent worker knows one time only, that between two requests, and it starts anew with each byte.
"""

from __future__ import annotations

import os
import socket
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gevent import GreenletExit
from gevent.socket import wait_read
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.exceptions import BadRequest, HTTPException, RequestTimeout

UNREAD_BYTES: Final = 65_536


@dataclass(frozen=True)
class Patience:
    """Seconds. ``head``: from a head's first byte to its last, or from the opening of a new connection."""

    head: float
    body: float


class TimedSocket:
    """A socket whose ``recv`` gives up at ``deadline`` (monotonic; None: never) with TimeoutError."""

    def __init__(self, sock: Any, patience: Patience, listener: Any = None, ahead: bytes = b"") -> None:
        """``ahead``: what was read of the connection before."""
        self._sock, self._patience, self.listener, self._ahead = sock, patience, listener, ahead
        # What each request needs is not looked for first.
        self.setblocking, self.fileno, self.detach, self.close = sock.setblocking, sock.fileno, sock.detach, sock.close
        self._head_begins = True
        self.hung_up = False
        self.leave: Callable[[], LeftConnection | None] = _stay
        """Give the connection away: the request is not to touch it any more. None where that cannot be."""
        self.deadline: float | None = None

    def stay(self) -> None:
        """The request is over that could give it away, and is let go of."""
        self.leave = _stay

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def await_head(self, seconds: float) -> None:
        """A next request may begin within ``seconds``; once it has, its head has its own time."""
        self.deadline = time.monotonic() + seconds
        self._head_begins = True

    def await_body(self) -> None:
        self.deadline = time.monotonic() + self._patience.body
        self._head_begins = False

    @property
    def left(self) -> float | None:
        """Seconds until the deadline, at least 0."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def hang_up(self) -> None:
        """Whoever waits for the client reads the end of the connection, as of one that went away."""
        self.hung_up = True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def break_off(self) -> None:
        """Whoever waits for the client, to read or to write, waits no more."""
        with suppress(OSError):  # gone meanwhile
            self._sock.shutdown(socket.SHUT_RDWR)

    def sendall(self, data: bytes) -> None:
        """gevent's makes ready for what does not fit into the system's buffer, as most does."""
        sent = self._sock.send(data)
        if sent < len(data):
            self._sock.sendall(memoryview(data)[sent:])

    def recv(self, size: int) -> Any:
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            return ahead
        try:
            return self._recv(size)
        except OSError:
            if self.hung_up:  # gevent wakes its waiters with an error of its own
                return b""
            raise

    def _recv(self, size: int) -> Any:
        if self.deadline is None:
            return self._sock.recv(size)
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the client took too long")
        self._sock.settimeout(left)
        try:
            data = self._sock.recv(size)
        finally:
            self._sock.settimeout(None)
        if self._head_begins:
            self._head_begins = False
            self.deadline = min(self.deadline, time.monotonic() + self._patience.head)
        return data


class Taker(Protocol):
    def take_back(self, connection: LeftConnection) -> None: ...


class LeftConnection:
    """A connection that its request has left; ``end`` gives it back, to be closed or to take a next request.

    ``taker`` takes it back, where it may serve another. ``ahead``: what the client has sent of that already;
    ``listener`` as gunicorn has it.
    """

    __slots__ = ("_taker", "ahead", "descriptor", "is_chunked", "listener")

    def __init__(
        self,
        descriptor: int,
        is_chunked: bool,
        taker: Taker | None,
        listener: Any,
        ahead: bytes,
    ) -> None:
        self.descriptor, self.is_chunked, self._taker = descriptor, is_chunked, taker
        self.listener, self.ahead = listener, ahead

    def end(self, whole: bool) -> None:
        if whole and self._taker is not None:
            self._taker.take_back(self)
        else:
            self.close()

    def close(self) -> None:
        with suppress(OSError):  # unread input would take back what is on its way
            os.read(self.descriptor, UNREAD_BYTES)
        os.close(self.descriptor)


class Debtors:
    """The connections that owe us bytes. Beyond ``most`` the one that has owed longest is hung up on."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._since: dict[TimedSocket, float] = {}

    @contextmanager
    def owing(self, sock: TimedSocket) -> Iterator[None]:
        """Around a wait for a client."""
        self._since[sock] = time.monotonic()
        while len(self._since) > self._most:
            self._hang_up_on(min(self._since, key=self._since.__getitem__))
        try:
            yield
        finally:
            self._since.pop(sock, None)

    def hang_up(self) -> None:
        """On all of them."""
        for sock in list(self._since):
            self._hang_up_on(sock)

    def _hang_up_on(self, sock: TimedSocket) -> None:
        del self._since[sock]
        sock.hang_up()


class TimedBody:
    """A request's body; what goes wrong while it is read becomes the answer that the client deserves."""

    def __init__(self, request: Any, sock: TimedSocket, debtors: Debtors) -> None:
        # It has this for its body: as a cycle both would stay until the collector comes, long after a stream has left.
        self._request = weakref.proxy(request)
        self._body, self._sock, self._debtors = request.body, sock, debtors
        self._awaited = False
        self.answered = False
        """Whether the request is over: what is read of the body then is only to find the next one behind it."""
        fields = dict(request.headers)
        self._left = None if "TRANSFER-ENCODING" in fields else int(fields.get("CONTENT-LENGTH", 0))
        self.is_whole = self._left == 0
        """Whether it was read to its end: what follows on the connection is a next request."""

    @property
    def failed(self) -> bool:
        """gunicorn asks before it looks for a next request on the connection."""
        return bool(self._body.failed)

    def read(self, size: int | None = None) -> bytes:
        with self._answering():
            data: bytes = self._body.read(size)
            self._note(data, size)
            return data

    def _note(self, data: bytes, size: int | None) -> None:
        if self._left is not None:
            self._left -= len(data)
            self.is_whole = self._left == 0
        elif size != 0:  # chunks are read until there are as many bytes or none are left
            self.is_whole = size is None or size < 0 or len(data) < size

    def await_more(self) -> None:
        """Until more has come than what came with the head, or the time is over: then reading it says so.

        Before the application is called: a thousand halves that wait inside it have each cost what a request costs.
        """
        self._awaited = True
        self._sock.await_body()
        with suppress(TimeoutError), self._debtors.owing(self._sock):
            wait_read(self._sock.fileno(), timeout=self._sock.left)

    def readline(self, size: int | None = None) -> bytes:
        with self._answering():
            data: bytes = self._body.readline(size)
            return data

    @contextmanager
    def _answering(self) -> Iterator[None]:
        if not self._awaited:
            self._awaited = True
            self._sock.await_body()
        try:
            with self._debtors.owing(self._sock):
                yield
        except (TimeoutError, ParseException, NoMoreData) as error:
            self._request.force_close()
            if self.answered:
                raise NoMoreData from None
            if not self._sock.hung_up:  # else it is not the client's mistake
                raise _complaint(error) from None
        if self._sock.hung_up and not self.answered:
            raise GreenletExit  # among a thousand of them an answer to each would be felt by others


def _complaint(error: Exception) -> HTTPException:
    if isinstance(error, TimeoutError):
        return RequestTimeout("The body did not arrive in time")
    if isinstance(error, NoMoreData):
        return BadRequest("The body ended too early")
    return BadRequest("The body is not sent as HTTP asks")


def _stay() -> None:
    """Not our worker's to give."""
