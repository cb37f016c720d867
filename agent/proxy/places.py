"""Who is served at once: so many, and nobody keeps a place for nothing while others wait at the door."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

IDLE_SECONDS: Final = 1.0
"""For which a connection may ask for nothing, or leave its refusal there, while others wait."""


class Places:
    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)
        self._idle: dict[socket.socket, float] = {}
        """Since when; the longest first."""
        self._lock = threading.Lock()

    def take(self, seconds: float) -> bool:
        """Whether there was a place within that time. Where there was none, an idle connection loses its own."""
        if self._free.acquire(timeout=seconds):
            return True
        self._hang_up()
        return False

    def give_back(self) -> None:
        self._free.release()

    @contextmanager
    def idle(self, client: socket.socket) -> Iterator[None]:
        """While nothing is done for ``client``, which has a place: its next words are waited for."""
        with self._lock:
            self._idle[client] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._idle.pop(client)

    def _hang_up(self) -> None:
        """Its thread then reads an end, and gives the place back."""
        with self._lock:  # which also keeps the thread from closing it meanwhile
            client, since = next(iter(self._idle.items()), (None, 0.0))
            if client is not None and time.monotonic() - since > IDLE_SECONDS:
                with suppress(OSError):  # it has gone by itself
                    client.shutdown(socket.SHUT_RDWR)
