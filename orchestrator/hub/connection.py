"""The hub's connection to Redis: subscriptions go out, whole reads of pushed messages come in.

redis-py's PubSub reconnects silently and hands out one message at a time. This reads as much as has arrived and tells
of every reconnect, which its user must take as "anything may have been missed".
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import gevent
import hiredis
from gevent.lock import BoundedSemaphore
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse

from orchestrator.runlog.connection import subscriber
from orchestrator.runlog.wire import READABLE

READ_BYTES: Final = 262_144
PING_SECONDS: Final = 4.0
"""A connection that is silent this long is pinged; one that is silent for twice as long is dead."""


class SubscriberConnection:
    """One connection in subscribed state. Not for two readers; writes may come from any greenlet."""

    def __init__(self, url: str, tls_verify: bool = True, others: Callable[[], list[dict[str, Any]]] = list) -> None:
        """``others`` names more nodes (``host``, ``port``): each node of a Cluster hears what any publishes."""
        self._make = subscriber(url, tls_verify)
        self._others = others
        self._connection: Any = None
        self._socket: socket.socket | None = None
        self._reader: Any = None
        self._hub: Any = None
        self._readable: Any = None
        self._buffer = bytearray(READ_BYTES)
        self._writing = BoundedSemaphore()
        self._heard = 0.0

    def open(self) -> None:
        """Connect, handshake and authenticate. Raises redis' ConnectionError."""
        connection = self._connected()
        sock = connection._sock  # no public way to read all that has arrived in one go
        if sock is None:
            raise RedisConnectionError("Redis closed the connection at once")
        sock.settimeout(None)
        self._heard = time.monotonic()
        self._connection, self._socket, self._reader = connection, sock, hiredis.Reader(protocolError=InvalidResponse)
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(sock.fileno(), READABLE)

    def _connected(self) -> Any:
        for node in [{}, *self._others()]:
            connection = self._make(**node)
            try:
                connection.connect()
                return connection
            except RedisConnectionError as error:
                failure = error
        raise failure

    def close(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
        self._connection = self._socket = None

    def send_many(self, commands: Iterable[tuple[Any, ...]]) -> None:
        """Raises OSError."""
        packed = b"".join(map(hiredis.pack_command, commands))
        with self._writing:
            if self._socket is None:
                raise OSError("not connected")
            self._socket.sendall(packed)

    def read(self) -> list[Any]:
        """All messages that have arrived, at least one: ``[kind, channel, payload]`` or a ping's answer.

        Raises OSError when the connection is lost, or was found dead by ``keep_alive``, and InvalidResponse.
        """
        while True:
            # Asked first: a look that finds nothing costs as much as one that finds something. All others have their
            # turn meanwhile, and what arrives until then is read in one go.
            self._hub.wait(self._readable)
            size = self._socket.recv_into(self._buffer) if self._socket else 0
            if not size:
                raise OSError("Redis closed the connection")
            self._heard = time.monotonic()
            self._reader.feed(self._buffer, 0, size)
            if messages := self._pop_all():
                return messages

    def keep_alive(self) -> None:
        """Ping a silent connection and hang up on a dead one; call it every second or so.

        Instead of a time-out on each read, which costs a timer every time.
        """
        silent = time.monotonic() - self._heard
        if self._socket is None or silent < PING_SECONDS:
            return
        if silent < 2 * PING_SECONDS:
            gevent.spawn(self._ping)  # the socket may be full: whoever looks after it must be there to hang up
        else:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _ping(self) -> None:
        with suppress(OSError):
            self.send_many([("PING",)])

    def _pop_all(self) -> list[Any]:
        messages = []
        while (message := self._reader.gets()) is not False:
            if isinstance(message, Exception):
                raise OSError(f"Redis refused: {message}")
            messages.append(message)
        return messages
