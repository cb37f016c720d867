"""``serve``: takes the jail's connections and answers them, a thread each, until the command has ended."""

from __future__ import annotations

import json
import select
import socket
import threading
from contextlib import suppress
from typing import Final

from agent.proxy import head
from agent.proxy.allowed import Allowed, Entry, NotAllowed
from agent.proxy.counts import Counts, Exhausted
from agent.proxy.reach import Unreachable, connect
from agent.proxy.relay import relay

AT_ONCE: Final = 64
"""Connections; npm makes 15, a browser's page fewer. More wait at the door."""
IN_ALL: Final = 10_000
"""Connections of one command: a large `npm install` makes 2,000. Then the door stays shut."""
LOOK: Final = 0.05
"""Seconds between two looks whether a connection has ended, while there are too many."""
ANSWER_SECONDS: Final = 10.0
"""For a client to take a refusal."""

REASONS: Final = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    411: "Length Required",
    431: "Request Header Fields Too Large",
    502: "Bad Gateway",
}


class Proxy:
    def __init__(self, allowed: Allowed, counts: Counts) -> None:
        self._allowed = allowed
        self._counts = counts
        self._slots = threading.Semaphore(AT_ONCE)

    def serve(self, listener: socket.socket, control: socket.socket) -> None:
        """Until ``control`` is closed at its other end."""
        taken = 0
        while True:
            free = taken < IN_ALL and self._slots.acquire(timeout=LOOK)
            doors = [listener] if free else []
            ready = select.select([control, *doors], [], [], 0 if taken < IN_ALL and not free else None)[0]
            if control in ready:
                return
            if listener in ready:
                taken += 1
                with suppress(OSError):
                    client, _ = listener.accept()
                    threading.Thread(target=self._keep, args=(client,), daemon=True).start()
                    continue
            if free:
                self._slots.release()
            if taken == IN_ALL and not free:
                self._counts.refused("more connections", f"a command may make {IN_ALL:,}")

    def _keep(self, client: socket.socket) -> None:
        try:
            with client, suppress(OSError):
                self._answer(client)
        finally:
            self._slots.release()

    def _answer(self, client: socket.socket) -> None:
        where = "a request that is none"
        try:
            request, rest = head.receive(client)
            where = str(Entry(request.host, request.port))
            if len(rest) > request.length and request.method != "CONNECT":
                raise head.Malformed(400, "Expected one request a connection.")
            self._pass_on(request, rest, client)
        except head.Malformed as error:
            self._counts.refused(where, str(error))
            refuse(client, error.status, str(error))
        except NotAllowed as error:
            self._counts.refused(where, error.brief)
            refuse(client, 403, str(error))
        except Exhausted as error:
            refuse(client, 403, str(error))
        except Unreachable as error:
            self._counts.refused(where, str(error))
            refuse(client, 502, str(error))

    def _pass_on(self, request: head.Request, rest: bytes, client: socket.socket) -> None:
        name = str(request.host)
        if self._counts.is_exhausted:
            self._counts.moved(name, 0)
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
