"""The viewers: raw sockets and epoll in one process, which counts events without parsing them.

Every event's text holds the byte `~` once, and nothing else that is sent does: counting that byte counts events,
wherever TCP cuts them. With `stamps` the digits behind it are the publisher's clock in ns.
"""

import re
import select
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench import cores
from bench.job import Link

MARK = b"~"
STAMP = re.compile(rb"~(\d+);")
STAMP_LONGEST = 24  # bytes that a cut stamp may have
RECEIVE_BYTES = 1 << 20
CONNECTING = 1_000  # viewers that connect at the same time; the next follow as these are served
SILENCE_SECONDS = 5.0  # in a burst, or between two events at a steady pace
PORTS = 20_000  # connections from one address of the loopback; the next take another one
RESET = b"\x01\0\0\0\0\0\0\0"  # SO_LINGER: close with a reset, so that no port waits in TIME_WAIT


@dataclass(frozen=True)
class Watch:
    """What the viewers do: `requests[i]` on connection i, until `expected` events have come in all."""

    port: int
    requests: Sequence[bytes]
    expected: int
    seconds: float
    first_bytes: bool = True
    """A viewer is ready when it has got bytes; else as soon as it has asked."""
    stamps: bool = False
    keep: int = 0
    """How many viewers' bytes are kept for a closer look."""


@dataclass
class Seen:
    events: int = 0
    fewest: int = 0
    most: int = 0
    started: float = 0.0
    connect_seconds: float = 0.0
    first: float = 0.0
    last: float = 0.0
    """When the first viewer began to connect, when the first and the last event came; the machine's monotonic clock."""
    cpu_seconds: float = 0.0
    """Our own, since all viewers were there."""
    total_cpu_seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    """Heads of answers other than 200."""


def watch(link: Link, plan: Watch) -> Seen:
    """A Job: connect, send how long that took, read until all has come, or time is up, or the parent tells."""
    cores.pin(cores.LOAD)
    viewers = Viewers(plan, link)
    try:
        viewers.connect()
        link.send(viewers.seen.connect_seconds)
        viewers.read()
        return viewers.finish()
    finally:
        viewers.close()


class Viewers:
    def __init__(self, plan: Watch, link: Link) -> None:
        self._plan, self._link = plan, link
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._requests: dict[int, bytes] = {}
        self._marks: dict[int, int] = {}
        self._kept: dict[int, bytearray] = {}
        self._tails: dict[int, bytes] = {}
        self._waiting: set[int] = set()
        self._buffer = bytearray(RECEIVE_BYTES)
        self._stopped = False
        self.seen = Seen()

    def connect(self) -> None:
        self.seen.started = started = time.monotonic()
        todo = iter(self._plan.requests)
        left = len(self._plan.requests)
        while left or self._waiting:
            while left and len(self._waiting) < CONNECTING:
                self._open(next(todo))
                left -= 1
            if time.monotonic() - started > self._plan.seconds:
                raise TimeoutError(f"{len(self._waiting) + left} viewers did not connect: {self.seen}")
            self._turn(1.0)
        self.seen.connect_seconds = time.monotonic() - started
        self._epoll.register(self._link.fileno(), select.EPOLLIN)

    def read(self) -> None:
        cpu, give_up = time.process_time(), time.monotonic() + self._plan.seconds
        while self.seen.events < self._plan.expected and not self._stopped and time.monotonic() < give_up:
            self._turn(0.5)
            if self.seen.events and time.monotonic() > self.seen.last + SILENCE_SECONDS:
                break  # a server that has lost some of them
        self.seen.cpu_seconds = time.process_time() - cpu

    def finish(self) -> Seen:
        self.seen.total_cpu_seconds = time.process_time()
        self.seen.fewest = min(self._marks.values(), default=0)
        self.seen.most = max(self._marks.values(), default=0)
        self.seen.kept = [bytes(data) for data in self._kept.values()]
        return self.seen

    def close(self) -> None:
        for sock in self._sockets.values():
            sock.close()
        self._epoll.close()

    def _open(self, request: bytes) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        number = sock.fileno()
        if number > PORTS:
            sock.bind((f"127.0.0.{1 + number // PORTS}", 0))
        sock.connect_ex(("127.0.0.1", self._plan.port))
        self._sockets[number], self._requests[number], self._marks[number] = sock, request, 0
        if len(self._kept) < self._plan.keep:
            self._kept[number] = bytearray()
        self._waiting.add(number)
        self._epoll.register(number, select.EPOLLOUT)

    def _turn(self, seconds: float) -> None:
        for number, _ in self._epoll.poll(seconds):
            if number in self._requests:
                self._ask(number)
            elif number in self._sockets:
                self._receive(number)
            else:
                self._stopped = True  # the parent has told

    def _ask(self, number: int) -> None:
        self._sockets[number].sendall(self._requests.pop(number))
        self._epoll.modify(number, select.EPOLLIN)
        if not self._plan.first_bytes:
            self._waiting.discard(number)

    def _receive(self, number: int) -> None:
        buffer = self._buffer
        try:
            size = self._sockets[number].recv_into(buffer)
        except ConnectionError:
            size = 0
        if number in self._waiting:
            self._begin(number, size)
        if not size:
            self._epoll.unregister(number)
            return
        if count := buffer.count(MARK, 0, size):
            self._count(number, count)
        if number in self._kept:
            self._kept[number] += memoryview(buffer)[:size]
        if self._plan.stamps:
            self._time(number, bytes(memoryview(buffer)[:size]))

    def _begin(self, number: int, size: int) -> None:
        self._waiting.discard(number)
        status = int(self._buffer[9:12]) if size > 12 else 0
        self.seen.statuses[status] += 1
        if status != 200:
            self.seen.refused.append(bytes(memoryview(self._buffer)[: min(size, 1000)]))

    def _count(self, number: int, count: int) -> None:
        now = time.monotonic()
        self.seen.first = self.seen.first or now
        self.seen.last = now
        self.seen.events += count
        self._marks[number] += count

    def _time(self, number: int, data: bytes) -> None:
        now = time.monotonic_ns()
        data = self._tails.pop(number, b"") + data
        self.seen.latencies += [(now - int(stamp)) / 1e9 for stamp in STAMP.findall(data)]
        cut = data.rfind(MARK)
        if cut >= 0 and data.find(b";", cut) < 0:
            self._tails[number] = data[cut : cut + STAMP_LONGEST]
