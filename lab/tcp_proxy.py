"""A name whose address can change, and a network that can be cut or held up."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

READ_BYTES = 65_536


class TcpProxy:
    """Passes bytes on to a port of this machine, from its own ``port``."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._replies = threading.Event()
        self._replies.set()
        self.connections = 0
        """Taken so far."""

    def point_to(self, port: int) -> None:
        """From now on new connections go there; those that are open stay where they are."""
        self._to = port

    def cut(self) -> None:
        """Break every connection that is open."""
        for each in self._sockets:
            _hang_up(each)

    @contextmanager
    def holding_replies(self) -> Iterator[None]:
        """What the server says waits here, up to the end."""
        self._replies.clear()
        try:
            yield
        finally:
            self._replies.set()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        _hang_up(self._listener)
        self._replies.set()
        self._threads[0].join()
        self.cut()
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here = self._listener.accept()[0]
                self._sockets.append(here)
                self.connections += 1
                there = socket.create_connection(("127.0.0.1", self._to))
                self._sockets.append(there)
                for args in ((here, there), (there, here, self._replies)):
                    self._threads.append(threading.Thread(target=_pump, args=args))
                    self._threads[-1].start()


def _pump(source: socket.socket, sink: socket.socket, gate: threading.Event | None = None) -> None:
    with suppress(OSError):
        while data := source.recv(READ_BYTES):
            if gate is not None:
                gate.wait()
            sink.sendall(data)
    _hang_up(source)
    _hang_up(sink)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
