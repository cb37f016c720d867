"""One connection to Redis for all greenlets of a process: what they ask leaves together, replies come back in order.

Redis answers the commands of a connection in the order in which it got them, so nobody has to wait for another's reply
before asking. Replies are read where libev finds that there are some, in the hub itself, which then switches straight
into each greenlet whose reply it was: nobody has to be woken to read for others.
"""

from __future__ import annotations

import os
import ssl
import time
import weakref
from collections import deque
from typing import Any, Final

import gevent
import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse
from redis.exceptions import TimeoutError as RedisTimeoutError

READ_BYTES: Final = 65_536
"""More than a record of TLS: what is decrypted and not read would not make the socket readable again."""

READABLE: Final = 1
WRITABLE: Final = 2
"""As libev calls them."""

NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""The system takes, or has, nothing at the moment."""

_NOTHING: Final = object()
_wires: Final = weakref.WeakSet["Wire"]()


class _Call:
    """Commands that left together, and the greenlet that waits for all their replies; None once it does not."""

    __slots__ = ("due", "failure", "replies", "waiter", "wanted")

    def __init__(self, waiter: Any, wanted: int, due: float) -> None:
        self.waiter, self.wanted, self.due = waiter, wanted, due
        self.replies: list[Any] = []
        self.failure: Exception | None = None


class Wire:
    """Takes over one of redis-py's connections, which is connected. For greenlets of the thread that makes it.

    A reply must be there within ``patience`` seconds. One that is not fails its call and is thrown away when it comes
    after all; the wire then takes no more calls, and closes when those that it has are through.
    """

    def __init__(self, connection: Any, patience: float) -> None:
        sock = connection._sock  # no public way to read all that has arrived in one go
        if sock is None:
            raise RedisConnectionError("Redis closed the connection at once")
        sock.settimeout(0)
        self.connection, self._socket, self._patience = connection, sock, patience
        self._buffer = bytearray(READ_BYTES)
        errors = connection._parser.parse_error
        self._reader: Any = hiredis.Reader(protocolError=InvalidResponse, replyError=errors, notEnoughData=_NOTHING)
        self._calls: deque[_Call] = deque()
        self._out: list[bytes] = []
        self._reading = False
        self._connected = self.is_open = True
        self._hub = gevent.get_hub()
        self._loop: Any = self._hub.loop
        self._readable = self._loop.io(sock.fileno(), READABLE, ref=False)
        self._writable = self._loop.io(sock.fileno(), WRITABLE)
        self._clock: Any = self._loop.timer(patience)
        self._readable.start(self._read)
        _wires.add(self)

    def ask(self, commands: bytes, count: int) -> list[Any]:
        """The replies to ``count`` packed commands; what Redis refuses is among them as an exception, not raised.

        Raises redis' ConnectionError and TimeoutError: the commands may have been carried out.
        """
        if not self.is_open:
            raise RedisConnectionError("The connection to Redis was lost")
        call = _Call(gevent.getcurrent(), count, time.monotonic() + self._patience)
        self._calls.append(call)
        self._out.append(commands)
        if len(self._calls) == 1 and not self._reading:
            self._send()
        elif len(self._out) == 1 and not self._reading:
            self._loop.run_callback(self._send)  # with what others ask in this turn of the loop
        if not self._clock.active:
            self._set_clock(self._patience)
        try:
            self._hub.switch()
        finally:
            call.waiter = None  # somebody who was woken by something else does not want the replies any more
        failure, call.failure = call.failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # its traceback knows this frame: each would keep the other, and this wire with its buffer
        return call.replies

    def retire(self) -> None:
        """Take no more calls, and close when the last one is through."""
        self.is_open = False
        if not self._has_waiters():
            self.close()

    def close(self) -> None:
        """Hang up. Whoever waits gets a ConnectionError."""
        self.is_open = self._connected = False
        for watcher in (self._readable, self._writable, self._clock):
            watcher.stop()
        self.connection.disconnect()  # in a process that was forked this leaves the parent's connection alone
        self._out.clear()
        self._loop.run_callback(self._fail_all)  # not here: only the hub may switch to others

    def _send(self) -> None:
        if not self._out or not self._connected:
            return
        data = b"".join(self._out)
        try:
            sent = self._socket.send(data)
        except NOT_NOW:
            sent = 0
        except OSError:
            self.close()
            return
        self._out.clear()
        if sent < len(data):
            self._out.append(data[sent:])
            self._writable.start(self._send)
        else:
            self._writable.stop()

    # From here on all is called by the hub.

    def _read(self) -> bool:
        """Whether there was something to read."""
        try:
            size = self._socket.recv_into(self._buffer)
            if not size:
                self.close()
                return False
            self._reader.feed(self._buffer, 0, size)
            self._hand_out()
        except NOT_NOW:
            return False
        except (OSError, InvalidResponse):
            self.close()
            return False
        self._send()  # what was asked by those who got their replies
        return True

    def _hand_out(self) -> None:
        self._reading = True
        try:
            while (reply := self._reader.gets()) is not _NOTHING:
                if isinstance(reply, hiredis.PushNotification):
                    continue
                if not self._calls:
                    raise InvalidResponse("Redis answers what nobody has asked")
                call = self._calls[0]
                call.replies.append(reply)
                if len(call.replies) == call.wanted:
                    self._calls.popleft()
                    _wake(call)
        finally:
            self._reading = False
        if self._connected and not self.is_open and not self._has_waiters():
            self.close()

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        while self._calls and self._calls[0].due <= now and self._connected and self._read():
            pass  # what came while this process was held up has come in time
        for call in [call for call in self._calls if call.due <= now]:
            self.is_open = False
            _wake(call, RedisTimeoutError("Redis did not answer in time"))
        if not self._connected:
            return
        if self._has_waiters():
            self._set_clock(max(0.0, next(call.due for call in self._calls if call.waiter) - now))
        elif not self.is_open:
            self.close()

    def _set_clock(self, seconds: float) -> None:
        self._clock.stop()
        self._clock = self._loop.timer(seconds)
        self._clock.start(self._look_at_clock)

    def _has_waiters(self) -> bool:
        return any(call.waiter is not None for call in self._calls)

    def _fail_all(self) -> None:
        while self._calls:
            _wake(self._calls.popleft(), RedisConnectionError("The connection to Redis was lost"))


def _wake(call: _Call, failure: Exception | None = None) -> None:
    waiter, call.waiter = call.waiter, None
    if waiter is not None:
        call.failure = failure
        waiter.switch()


def _after_fork() -> None:
    """A connection is the parent's: a child that read from it would take the parent's replies."""
    for wire in list(_wires):
        wire.close()


os.register_at_fork(after_in_child=_after_fork)
