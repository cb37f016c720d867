"""Whether the load is a bottleneck: the same viewers on a server that only writes bytes."""

import socket
import time
from collections.abc import Iterator

from bench import cores
from bench.cases.arena import CONNECT_SECONDS
from bench.job import Job, Link
from bench.load import Watch, watch
from bench.publish import body
from bench.report import Row, show
from bench.sizes import Sizes

VIEWERS = 500
EVENTS = 2_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
CHUNK = 20
"""Events in one write."""


def rows(sizes: Sizes) -> Iterator[Row]:
    rate, load_micros = only_writing(EVENTS // 4 if sizes.quick else EVENTS)
    note = f"load's own CPU: {load_micros:.2f} µs/event"
    yield Row("0", "load alone: events from a server that only writes", show(rate, "events/s"), note=note)


def only_writing(events: int) -> tuple[float, float]:
    """Events/s of a server that only writes bytes, and what one of them costs the load in µs of CPU."""
    with Job(_serve, VIEWERS, events) as server:
        port = server.hear(CONNECT_SECONDS)
        plan = Watch(port, [b"GET / HTTP/1.1\r\n\r\n"] * VIEWERS, VIEWERS * events, CONNECT_SECONDS)
        with Job(watch, plan) as load:
            load.hear(CONNECT_SECONDS)
            started = time.monotonic()
            server.tell()
            seen = load.result(CONNECT_SECONDS)
    return seen.events / (seen.last - started), 1e6 * seen.cpu_seconds / seen.events


def _serve(link: Link, viewers: int, events: int) -> None:
    cores.pin(cores.SERVER)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(viewers)
        link.send(listener.getsockname()[1])
        clients = [_welcome(listener) for _ in range(viewers)]
        link.wait()
        _write(clients, events)


def _welcome(listener: socket.socket) -> socket.socket:
    client, _ = listener.accept()
    client.recv(1000)
    client.sendall(HEAD)
    return client


def _write(clients: list[socket.socket], events: int) -> None:
    event = f'data: {{"id":1,{body("run_calibration")}\nid: 1\n\n'.encode() * CHUNK
    for _ in range(events // CHUNK):
        for client in clients:
            client.sendall(event)
