"""Takes the jail's connections and answers them, a thread each, until the command has ended."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from agent.proxy import head
from agent.proxy.allowed import Address, Allowed, Entry, NotAllowed, split
from agent.proxy.counts import Counts, Exhausted
from agent.proxy.places import Places
from agent.proxy.reach import Unreachable, connect
from agent.proxy.relay import relay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.proxy.mirrors import Mirrors  # with TLS, which few commands need

AT_ONCE: Final = 64
"""Connections; npm makes 15, a browser's page fewer. More wait at the door."""
IN_ALL: Final = 10_000
"""Connections of one command: a large `npm install` makes 2,000. Then the door stays shut."""
LOOK: Final = 0.05
"""Seconds between two looks whether the command has ended, while there are too many connections."""
ANSWER_SECONDS: Final = 10.0
"""For a client to take a refusal."""

REASONS: Final = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    408: "Request Timeout",
    411: "Length Required",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
}


class Proxy:
    """``doors``: listening sockets, each with the one server that is meant there; "" is for all that are allowed."""

    def __init__(
        self, doors: Mapping[socket.socket, str], allowed: Allowed, counts: Counts, mirrors: Mirrors | None
    ) -> None:
        self._doors = doors
        self._allowed = allowed
        self._counts = counts
        self._mirrors = mirrors
        self._places = Places(AT_ONCE)

    def serve(self, control: socket.socket) -> None:
        """Until ``control`` is closed at its other end."""
        for _ in range(IN_ALL):
            while not self._places.take(LOOK):
                if select.select([control], [], [], 0)[0]:
                    return
            ready = select.select([control, *self._doors], [], [])[0]
            if control in ready:
                return
            try:
                client, _ = ready[0].accept()
            except OSError:  # it has gone again
                self._places.give_back()
                continue
            threading.Thread(target=self._keep, args=(client, self._doors[ready[0]]), daemon=True).start()
        self._counts.refused("more connections", f"a command may make {IN_ALL:,}")
        for door in self._doors:
            door.close()
        select.select([control], [], [])

    def _keep(self, client: socket.socket, only: str) -> None:
        try:
            with client, suppress(OSError):
                self._answer(client, only)
        finally:
            self._places.give_back()

    def _answer(self, client: socket.socket, only: str) -> None:
        where = only or "a request that is none"
        try:
            if only and (self._mirrors is None or not self._mirrors.has(*split(only))):
                self._join(client, *split(only))
                return
            with self._places.idle(client):
                request, rest = head.receive(client, only)
            where = str(Entry(request.host, request.port))
            if len(rest) > request.length and request.method != "CONNECT":
                raise head.Malformed(400, "Expected one request a connection.")
            self._counts.check(where)
            if self._mirrors is not None and request.path and self._mirrors.has(request.host, request.port):
                self._mirrors.answer(request, client)
            else:
                self._pass_on(request, rest, client)
        except head.Malformed as error:
            self._counts.refused(where, str(error))
            self._refuse(client, error.status, str(error))
        except NotAllowed as error:
            self._counts.refused(where, error.brief)
            self._refuse(client, 403, str(error))
        except Exhausted as error:
            self._refuse(client, 403, str(error))
        except Unreachable as error:
            self._counts.refused(where, str(error))
            self._refuse(client, 502, str(error))

    def _refuse(self, client: socket.socket, status: int, sentence: str) -> None:
        with self._places.idle(client):
            refuse(client, status, sentence)

    def _pass_on(self, request: head.Request, rest: bytes, client: socket.socket) -> None:
        name = str(request.host)
        with connect(self._allowed, request.host, request.port) as server:
            self._counts.connected(name)
            self._counts.moved(name, len(rest))
            try:
                if request.method == "CONNECT":
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    server.sendall(rest)
                    relay(client, server, lambda size: self._counts.moved(name, size))
                else:
                    server.sendall(_head(request) + rest)
                    left = request.length - len(rest)
                    relay(client, server, lambda size: self._counts.moved(name, size), to_server=left)
            except Exhausted:
                pass  # in the middle of somebody's bytes nothing can be said but the end

    def _join(self, client: socket.socket, host: str | Address, port: int | None) -> None:
        """Whatever they speak: the server is one that is listed with its port."""
        with suppress(Exhausted):
            self._counts.check(str(host))
            with connect(self._allowed, host, port or 0) as server:
                self._counts.connected(str(host))
                relay(client, server, lambda size: self._counts.moved(str(host), size))


def _head(request: head.Request) -> bytes:
    lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.path), b"Host: " + request.authority.encode()]
    lines += [name + b": " + value for name, value in request.fields]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def refuse(client: socket.socket, status: int, sentence: str) -> None:
    """Answer in words, and hang up so that the client sees them."""
    text = f"{sentence}\n".encode()
    lines = (
        f"HTTP/1.1 {status} {REASONS[status]}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(text)}",
        "Connection: close",
    )
    client.settimeout(ANSWER_SECONDS)
    client.sendall("\r\n".join([*lines, "", ""]).encode() + text)
    client.shutdown(socket.SHUT_WR)
    # What the client still sends must be taken, or the kernel throws the answer away with the connection.
    with suppress(TimeoutError):
        for _ in range(16):
            if not client.recv(65_536):
                return


def report(counts: Counts) -> bytes:
    return json.dumps(counts.report()).encode()
