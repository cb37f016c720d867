"""Moves bytes between two sockets, both ways at once."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Final

CHUNK: Final = 64 * 1024
IDLE_SECONDS: Final = 120.0
"""Without a byte in either direction; npm keeps connections for less."""

Moved = Callable[[int], None]
"""Is told of each piece (bytes) before it goes on; what it raises ends the relay."""


def relay(client: socket.socket, server: socket.socket, moved: Moved, *, to_server: int | None = None) -> None:
    """Until both have said all, or nothing moves any more. Raises ``OSError``, and what ``moved`` raises.

    ``to_server``: bytes that the server gets at most; the client saying more ends it, and so does the server's end.
    """
    with selectors.DefaultSelector() as selector:
        ways = (_Way(client, server, to_server), _Way(server, client, None))
        for each in (client, server):
            each.setblocking(False)
        while _watch(selector, ways):
            ready = selector.select(IDLE_SECONDS)
            if not ready:
                return
            for key, events in ready:
                for way in ways:
                    if events & selectors.EVENT_WRITE and way.target is key.fileobj:
                        way.write()
                    if events & selectors.EVENT_READ and way.source is key.fileobj and way.wants:
                        moved(way.read())
            if to_server is not None and (ways[0].is_over or ways[1].is_done):
                return


class _Way:
    def __init__(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        self.source, self.target = source, target
        self.is_over = False
        """More came than was announced."""
        self.is_done = False
        """The source has said all, and the target knows."""
        self._left = most
        self._has_ended = False
        self._waiting = b""

    @property
    def wants(self) -> bool:
        return not self._waiting and not self._has_ended

    @property
    def has_to_write(self) -> bool:
        return bool(self._waiting)

    def read(self) -> int:
        try:
            piece = self.source.recv(CHUNK)
        except BlockingIOError:
            return 0
        if self._left is not None:
            self.is_over = len(piece) > self._left
            piece = piece[: self._left]
            self._left -= len(piece)
        self._waiting = piece
        self._has_ended = not piece
        self.write()
        return len(piece)

    def write(self) -> None:
        if self._waiting:
            try:
                self._waiting = self._waiting[self.target.send(self._waiting) :]
            except BlockingIOError:
                return
        if self._has_ended and not self._waiting and not self.is_done:
            self.is_done = True
            self.target.shutdown(socket.SHUT_WR)


def _watch(selector: selectors.BaseSelector, ways: tuple[_Way, _Way]) -> bool:
    """Whether there is anything left to wait for."""
    wanted: dict[socket.socket, int] = {}
    for way in ways:
        if way.wants:
            wanted[way.source] = wanted.get(way.source, 0) | selectors.EVENT_READ
        if way.has_to_write:
            wanted[way.target] = wanted.get(way.target, 0) | selectors.EVENT_WRITE
    for known in [key.fileobj for key in selector.get_map().values()]:
        if known not in wanted:
            selector.unregister(known)
    for each, events in wanted.items():
        if each in selector.get_map():
            selector.modify(each, events)
        else:
            selector.register(each, events)
    return bool(wanted)
