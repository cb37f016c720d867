"""Fires shots at a service over sockets of their own, and counts what comes back."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from tests.fuzz.shots import Shots, Target

SHOOTERS = 4
ANSWER_SECONDS = 20.0
"""A service answers, or closes the connection, long before; only a stream that has begun may be silent."""

SHOWN = 5


@dataclass
class Tally:
    """How often each status came; ``closed``: the connection was ended without one."""

    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def shots(self) -> int:
        return self.statuses.total()

    def __str__(self) -> str:
        return ", ".join(f"{status} × {times}" for status, times in sorted(self.statuses.items()))


def shoot(target: Target, shots: int, seed: int) -> Tally:
    """Fire ``shots`` requests, the same for the same seed; several at a time."""
    tally, lock, numbers = Tally(), threading.Lock(), count()

    def work() -> None:
        for number in _below(numbers, shots, lock):
            wire = Shots(target, seed + number).next()
            status = answer(target.port, wire)
            with lock:
                tally.statuses[status] += 1
                if status in ("500", "hung"):
                    tally.faults.append(f"{status} to shot {number} of seed {seed}: {wire[:600]!r}")

    shooters = [threading.Thread(target=work) for _ in range(SHOOTERS)]
    for shooter in shooters:
        shooter.start()
    for shooter in shooters:
        shooter.join()
    return tally


def answer(port: int, wire: bytes) -> str:
    """The status of the (last) answer's first line."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as sock:
        try:
            sock.sendall(wire)
            sock.shutdown(socket.SHUT_WR)
            line = sock.makefile("rb").readline(200)
        except TimeoutError:
            return "hung"
        except OSError:  # it would not read on, and has closed
            return "closed"
    parts = line.split()
    return parts[1].decode("latin-1") if len(parts) > 1 and parts[0].startswith(b"HTTP/") else "closed"


def _below(numbers: "Iterator[int]", most: int, lock: threading.Lock) -> Iterator[int]:
    while True:
        with lock:
            number = next(numbers)
        if number >= most:
            return
        yield number
