"""What comes from an endpoint, byte by byte: never more than a reply can need, and never without a pause for others."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import httpx2

AS_IT_IS: Final = {"Accept-Encoding": "identity"}
"""A few bytes that are packed may unpack to gigabytes, and replies that stream gain nothing by it."""
MAX_BYTES: Final = 128_000_000
"""Of an answer. A token takes up to 400 bytes of a stream, so these are twice the longest reply of any known model."""
MAX_EVENT: Final = 16_000_000
"""Bytes of one event of a stream."""
MAX_LINES: Final = 2_000
"""Line ends in one event, which has two or three: an SDK copies what it has of an event for each of its lines."""
PIECE: Final = 8_192
"""Bytes; taken apart in some milliseconds, however short their lines are."""
TURN: Final = 0.003
"""Seconds of work on what has come, before everybody else has as much time."""
PAUSE: Final = 0.001
"""Seconds of waiting for bytes that are a turn for everybody else."""
BLANK: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")
"""Ends of events."""


class NoReply(Exception):
    """The endpoint's answer is none; says what it is instead, with whatever stands there and at any length."""


def bound(response: httpx2.Response) -> None:
    """A client's hook: the body of ``response``, whoever reads it, raises ``NoReply`` where it is too much."""
    assert isinstance(response.stream, httpx2.SyncByteStream)
    encoding = response.headers.get("content-encoding", "identity")
    is_stream = response.headers.get("content-type", "").startswith("text/event-stream")
    response.stream = _Bounded(response.stream, encoding, is_stream=is_stream)


def hang_up(response: httpx2.Response) -> None:
    """Break the connection under a reader that is blocked in another thread; closing alone would not wake it."""
    if isinstance(response.stream, _Bounded):
        response.stream.is_over = True  # a broken connection still gives what comes without a pause
    network = response.extensions.get("network_stream")
    connection = network.get_extra_info("socket") if network is not None else None
    if connection is not None:
        with suppress(OSError):  # closed by the other side meanwhile
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, encoding: str, *, is_stream: bool) -> None:
        self._stream, self._encoding, self._is_stream = stream, encoding, is_stream
        self._bytes = self._event = self._lines = 0
        self.is_over = False

    def __iter__(self) -> Iterator[bytes]:
        if self._encoding != "identity":
            raise NoReply(f"a body in {self._encoding}, which was not asked for")
        turn = _Turn()
        for chunk in self._stream:
            turn.waited()
            self._count(chunk)
            for at in range(0, len(chunk), PIECE):
                if self.is_over:
                    return
                yield chunk[at : at + PIECE]
                turn.worked()

    def close(self) -> None:
        self._stream.close()

    def _count(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        if self._bytes > MAX_BYTES:
            raise NoReply(f"more than {MAX_BYTES:,} bytes")
        if not self._is_stream:
            return
        if (end := max(map(chunk.rfind, BLANK))) >= 0:
            self._event = self._lines = 0
            chunk = chunk[end + 2 :]
        self._event += len(chunk)
        self._lines += chunk.count(b"\n") + chunk.count(b"\r")
        if self._event > MAX_EVENT or self._lines > MAX_LINES:
            raise NoReply(f"a stream with an event of {self._event:,} bytes and {self._lines:,} line ends")


class _Turn:
    """Shares the processor where bytes always lie ready: who never waits for them would let nobody else go on."""

    def __init__(self) -> None:
        self._since = self._looked = time.monotonic()

    def waited(self) -> None:
        now = time.monotonic()
        if now - self._looked > PAUSE:
            self._since = now
        self._looked = now

    def worked(self) -> None:
        self._looked = time.monotonic()
        if (busy := self._looked - self._since) > TURN:
            time.sleep(busy)
            self._since = self._looked = time.monotonic()
