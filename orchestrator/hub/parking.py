"""Streams whose request has left: no greenlet waits for them, the process writes to their sockets itself.

A parked stream is sent what has come in the very turn in which the hub has read it. What its socket does not take at
once waits here – one turn's bytes, and the viewer's bounded queue behind them – until the poller says that there is
room. Clients that have gone are told by the poller as well; what a client still sends is left in its socket.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any, Final, Protocol

import gevent
from gevent.monkey import get_original

from orchestrator.hub.stream import Stream
from orchestrator.logs import get_logger

log = get_logger(__name__)

READERS: Final = 16
"""Greenlets that read the log for viewers that are behind; these take turns, a page each."""

AT_A_TIME: Final = 100
"""Sockets that have room again, or whose clients have gone, in one turn of the loop."""

LAST_CHUNK: Final = b"0\r\n\r\n"

# Linux' numbers: gevent takes epoll away from the select module.
ROOM: Final = 0x4
GONE: Final = 0x8 | 0x10 | 0x2000
"""An error, both ends closed, or theirs: EPOLLERR, EPOLLHUP, EPOLLRDHUP."""
EDGES: Final = 1 << 31
"""Told once for each change. What a client sends is not asked for, so it wakes nobody."""


class Connection(Protocol):
    """A connection whose request has left it; ``descriptor`` does not block."""

    @property
    def descriptor(self) -> int: ...

    @property
    def is_chunked(self) -> bool:
        """Whether the body is sent in chunks (HTTP/1.1), and so can end before the connection."""

    def end(self, whole: bool) -> None:
        """The stream is over; another request may follow if it was sent to its end."""


class Parking:
    """All parked streams of a process."""

    def __init__(self) -> None:
        self._parked: dict[int, Parked] = {}
        self._behind: deque[Parked] = deque()
        self._readers = 0
        self._epoll: Any = None

    def park(self, stream: Stream, connection: Connection) -> None:
        """Take over ``stream``, which has begun, and its connection; both are closed where the system refuses."""
        try:
            self._look_at(connection.descriptor)
        except OSError:
            stream.close()
            connection.end(whole=False)
            raise
        parked = self._parked[connection.descriptor] = Parked(self, stream, connection)
        stream.viewer.hold(parked)

    def _look_at(self, descriptor: int) -> None:
        if self._epoll is None:
            self._epoll = get_original("select", "epoll")()
            gevent.spawn(self._keep_looking)
        self._epoll.register(descriptor, ROOM | GONE | EDGES)

    def forget(self, descriptor: int) -> None:
        del self._parked[descriptor]
        self._epoll.unregister(descriptor)

    def read_for(self, parked: Parked) -> None:
        """Have a page of the log read and sent, soon."""
        self._behind.append(parked)
        if self._readers < READERS:
            self._readers += 1
            gevent.spawn(self._read)

    def _read(self) -> None:
        try:
            while self._behind:
                self._behind.popleft().read()
                gevent.sleep(0)  # pages that are kept are read without waiting for anything
        finally:
            self._readers -= 1

    def _keep_looking(self) -> None:
        hub = gevent.get_hub()
        watcher = hub.loop.io(self._epoll.fileno(), 1)
        while True:
            hub.wait(watcher)
            for descriptor, what in self._epoll.poll(0, AT_A_TIME):  # the others are told in the loop's next turn
                parked = self._parked.get(descriptor)
                if parked is None:
                    continue  # it left while others were looked at
                try:
                    parked.hang_up() if what & GONE else parked.flush()
                except Exception:
                    log.exception("parking.crashed")  # the others still want to be looked at


class Parked:
    """One stream and its connection: a Holder."""

    __slots__ = ("_connection", "_ends", "_parking", "_reads", "_stream", "_unsent")

    def __init__(self, parking: Parking, stream: Stream, connection: Connection) -> None:
        self._parking, self._connection = parking, connection
        self._stream: Stream | None = stream
        self._unsent: list[bytes | memoryview] | None = None
        self._reads = self._ends = False

    def wake(self) -> None:
        """Send what there is, unless something is on its way already."""
        stream = self._stream
        if self._unsent or self._ends or stream is None:
            return
        try:
            if self._reads:
                self._send(stream.heartbeat())
            elif not stream.viewer.behind:
                self._send(stream.turn())
            self._go_on()
        except Exception as error:
            self._fail(error)

    def read(self) -> None:
        """Send a page of the log. Waits for Redis."""
        if self._stream is None or self._ends:
            return
        try:
            said = b"" if self._stream.ended else self._stream.turn()
            self._reads = False
            if self._stream is not None and not self._ends:  # mypy does not see that either may have changed meanwhile
                self._send(said)
                self._go_on()
        except Exception as error:
            self._fail(error)

    def flush(self) -> None:
        """The socket has room again."""
        if not self._unsent:
            return
        try:
            self._write([])
            if self._ends:
                self._leave_if_sent()
            elif not self._unsent:
                self.wake()
        except Exception as error:
            self._fail(error)

    def hang_up(self) -> None:
        self._leave(whole=False)

    def _go_on(self) -> None:
        """After something was sent."""
        stream = self._stream
        if stream is None or self._unsent:
            return
        if stream.ended:
            self._send(stream.finish(), last=True)
            self._leave_if_sent()
        elif stream.viewer.behind:
            self._read_soon()

    def _read_soon(self) -> None:
        if not self._reads:
            self._reads = True
            self._parking.read_for(self)

    def _send(self, said: bytes, last: bool = False) -> None:
        parts: list[bytes | memoryview] = []
        if said:
            # In parts: others share these bytes, and may be waiting with them too.
            parts = [b"%x\r\n" % len(said), said, b"\r\n"] if self._connection.is_chunked else [said]
        if last:
            self._ends = True
            if self._connection.is_chunked:
                parts.append(LAST_CHUNK)
        if parts:
            self._write(parts)

    def _write(self, parts: list[bytes | memoryview]) -> None:
        """``parts``, behind what is on its way."""
        if self._unsent:
            parts = [*self._unsent, *parts]
        try:
            sent = os.writev(self._connection.descriptor, parts)
        except BlockingIOError:
            sent = 0
        self._unsent = None if sent == sum(map(len, parts)) else _after(parts, sent)

    def _leave_if_sent(self) -> None:
        if not self._unsent:
            self._leave(whole=True)

    def _fail(self, error: Exception) -> None:
        if not isinstance(error, OSError):  # which is the client's: it has gone
            log.exception("stream.crashed")
        self._leave(whole=False)

    def _leave(self, whole: bool) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            self._parking.forget(self._connection.descriptor)
            self._unsent = None
            try:
                stream.close()
            finally:
                self._connection.end(whole)


def _after(parts: list[bytes | memoryview], sent: int) -> list[bytes | memoryview] | None:
    """What is left of ``parts`` without their first ``sent`` bytes."""
    for place, part in enumerate(parts):
        if sent < len(part):
            return [memoryview(part)[sent:], *parts[place + 1 :]]
        sent -= len(part)
    return None
