"""Clients that watch a run to its end, each with a habit, and keep every byte they were given."""

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

RECONNECT_SECONDS = 0.1
SILENCE_SECONDS = 20.0  # the service sends a keepalive every second; a frozen worker is thawed long before
RECEIVE_BUFFER_BYTES = 4096  # of the slow viewer: what it does not read soon waits at the service
ID_FIELD = b"\nid: "
TERMINAL_TYPES = (b'"type":"complete"', b'"type":"error"')


@dataclass(frozen=True)
class Habit:
    """How a viewer reads: at most `chunk` bytes at a time, then `pause` seconds; hangs up after `stay` seconds."""

    name: str
    chunk: int = 65_536
    pause: float = 0.0
    stay: tuple[float, float] | None = None


HABITS = (
    Habit("plain"),
    Habit("reconnecting", stay=(0.3, 2.0)),
    Habit("slow", chunk=1024, pause=0.05),
)


@dataclass(frozen=True)
class Arrival:
    id: int
    data: bytes
    at: float


@dataclass(frozen=True)
class Recovery:
    """A connection broke at `lost`, another was open at `reconnected`, and the next event came at `event`.

    `late`: seconds from when it could be had, which is when it was published or when the connection was open.
    """

    lost: float
    reconnected: float
    event: float
    late: float


class Viewer(threading.Thread):
    """Follows one run as EventSource does: on any end but the run's own it reconnects with its last id."""

    def __init__(self, port: int, run_id: str, habit: Habit) -> None:
        super().__init__(name=f"{habit.name}-{run_id}", daemon=True)
        self.run_id = run_id
        self.habit = habit
        self.arrivals: list[Arrival] = []
        self.gaps = 0
        self.connections = 0
        self.recoveries: list[Recovery] = []
        self.refused: dict[int, int] = {}
        self.has_ended = False
        self.leave = threading.Event()
        self._port = port
        self._lost: float | None = None

    @property
    def last_id(self) -> int:
        return self.arrivals[-1].id if self.arrivals else 0

    def run(self) -> None:
        while not self.has_ended and not self.leave.is_set():
            try:
                self._watch_once()
            except (OSError, http.client.HTTPException):
                self._lost = self._lost or time.monotonic()
            self.leave.wait(RECONNECT_SECONDS)

    def _watch_once(self) -> None:
        connection = self._connect()
        try:
            headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(self.last_id)} if self.last_id else {})
            connection.request("GET", f"/agent/run/{self.run_id}/events", headers=headers)
            response = connection.getresponse()
            if response.status == http.HTTPStatus.OK:
                self.connections += 1
                self._read(response)
            elif response.status == http.HTTPStatus.NO_CONTENT:
                self.has_ended = True
            else:
                self.refused[response.status] = self.refused.get(response.status, 0) + 1
        finally:
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SILENCE_SECONDS)
        sock = socket.socket()
        if self.habit.pause:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        sock.settimeout(SILENCE_SECONDS)
        connection.sock = sock
        sock.connect(("127.0.0.1", self._port))
        return connection

    def _read(self, response: http.client.HTTPResponse) -> None:
        reconnected = time.monotonic()
        hang_up = reconnected + random.uniform(*self.habit.stay) if self.habit.stay else None
        for frame in self._frames(response):
            self._take(frame, reconnected)
            if self.has_ended or self.leave.is_set():
                return
            if hang_up and time.monotonic() > hang_up:
                return
        self._lost = self._lost or time.monotonic()

    def _frames(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        buffer = b""
        while chunk := response.read1(self.habit.chunk):
            *frames, buffer = (buffer + chunk).split(b"\n\n")
            yield from frames
            time.sleep(self.habit.pause)

    def _take(self, frame: bytes, reconnected: float) -> None:
        if frame.startswith(b":"):
            return
        data, marker, number = frame.removeprefix(b"data: ").rpartition(ID_FIELD)
        if not marker:  # only a gap, or the end of a run that is no longer stored, has no id
            self.gaps += 1
            self.has_ended = b'"code":"lost"' in number
            return
        now = time.monotonic()
        self.arrivals.append(Arrival(int(number), data, now))
        if self._lost is not None:
            published = now - (time.time() - _timestamp(data))
            self.recoveries.append(Recovery(self._lost, reconnected, now, now - max(reconnected, published)))
            self._lost = None
        self.has_ended = is_terminal(data)


def _timestamp(event: bytes) -> float:
    return float(json.loads(event)["timestamp"]) / 1000


def is_terminal(event: bytes) -> bool:
    """The type stands near the start of an event; a text that quotes one does not count."""
    return any(mark in event[:120].partition(b'"data":')[0] for mark in TERMINAL_TYPES)
