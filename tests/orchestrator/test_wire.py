"""The shared connection by itself, against a Redis whose replies are there as soon as it is asked."""

import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from orchestrator.runlog.wire import Wire

PATIENCE = 0.05
ASKS = 100


class _Instant:
    """A socket that always looks readable; each command sent is answered."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._theirs.send(b"!")
        self._answers = 0

    def fileno(self) -> int:
        return self._ours.fileno()

    def settimeout(self, seconds: float) -> None:
        pass

    def send(self, data: bytes) -> int:
        self._answers += data.count(b"PING")
        return len(data)

    def recv_into(self, buffer: bytearray) -> int:
        if not self._answers:
            raise BlockingIOError
        reply = b"+PONG\r\n" * self._answers
        self._answers = 0
        buffer[: len(reply)] = reply
        return len(reply)

    def close(self) -> None:
        self._ours.close()
        self._theirs.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    sock = _Instant()
    parser = SimpleNamespace(parse_error=Exception)
    connection: Any = SimpleNamespace(_sock=sock, _parser=parser, disconnect=lambda: None)
    wire = Wire(connection, PATIENCE)
    yield wire
    wire.close()
    sock.close()


def test_a_process_that_was_held_up_reads_what_is_overdue_and_then_lets_others_have_their_turn(wire: Wire) -> None:
    """Who is answered asks again, and is answered again: that must not go on for ever in one turn of the loop."""
    turns, seen = 0, set()

    def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    def keep_asking() -> None:
        for _ in range(ASKS):
            assert wire.ask(b"PING\r\n", 1) == [b"PONG"]
            seen.add(turns)

    others = gevent.spawn(count_turns)
    asking = gevent.spawn(keep_asking)
    gevent.sleep(0)
    hold_up = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < hold_up:
        pass
    asking.get(timeout=10)
    others.kill()
    assert len(seen) > ASKS // 2
