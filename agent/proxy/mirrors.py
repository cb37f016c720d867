"""Registries that the jail sees by plain HTTP: the proxy does the TLS, and so can keep packages for all runs.

In a jail ``https://registry.npmjs.org/`` is ``http://registry.npmjs.org/``, everything else of the address is the same.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import IO, Final

from agent.proxy.allowed import Address, Allowed, Entry, split
from agent.proxy.cache import Cache
from agent.proxy.counts import Counts, Exhausted
from agent.proxy.head import Malformed, Request
from agent.proxy.reach import Unreachable, connect

SECONDS: Final = 60.0
"""Without a byte from the registry."""
CHUNK: Final = 64 * 1024
PACKAGE: Final = re.compile(rb"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]+\.(tgz|whl|tar\.gz|zip|metadata)")
"""Paths whose content never changes: a registry lets nobody publish the same version twice."""
INDEX: Final = ("text/html", "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html")
LARGEST_INDEX: Final = 64 * 1024**2
"""Bytes of a page that lists the files of one project."""
PLAIN: Final = re.compile(
    rb"accept(-encoding|-language)?|user-agent|referer|cache-control|pragma|sec-fetch-mode|(npm|pacote)-[a-z-]+", re.I
)
"""Fields that say nothing about what is wanted. Any other may make an answer one caller's own, a part, or of something
else than its address says (``X-Original-URL``): such an answer is passed on, and never kept.
"""
OF_A_CONNECTION: Final = ("connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "trailer")

AT_ONCE: Final = struct.pack("ii", 1, 0)
"""How a connection is closed (``SO_LINGER``) so that its other end takes it for broken, not for ended."""

Place = tuple[str | Address, int]


class Mirrors:
    """``origins``: as ``https://registry.npmjs.org`` each; only those that are allowed are mirrored."""

    def __init__(self, origins: Sequence[str], allowed: Allowed, counts: Counts, cache: Cache) -> None:
        self._allowed, self._counts, self._cache = allowed, counts, cache
        self._places = dict(map(_places, origins))
        self._links = [
            (origin.encode() + b"/", origin.replace("https:", "http:", 1).encode() + b"/") for origin in origins
        ]
        self._tls = ssl.create_default_context()

    def has(self, host: str | Address, port: int | None) -> bool:
        """Whether the jail asks for an origin there."""
        return (host, port) in self._places

    def answer(self, request: Request, client: socket.socket) -> None:
        """Raises ``Malformed``, ``NotAllowed``, ``Unreachable``, ``Exhausted``, ``OSError``."""
        if request.method not in ("GET", "HEAD") or request.length:
            raise Malformed(405, "Packages can be fetched from here, and nothing else: expected GET.")
        host, port, has_tls = self._places[request.host, request.port]
        self._allowed.check(host, port)
        address = f"{'https' if has_tls else 'http'}://{Entry(host, port)}{request.path.decode('latin-1')}"
        is_package = PACKAGE.fullmatch(request.path) is not None and request.method == "GET"
        is_package = is_package and all(PLAIN.fullmatch(name) for name, _ in request.fields)
        if is_package and (file := self._cache.open(address)) is not None:
            with file:
                self._from_cache(str(host), file, client)
            return
        if is_package:  # what is kept for everybody depends on its address alone
            request = replace(request, fields=request.only(b"user-agent"))
        with connect(self._allowed, host, port) as plain:
            self._counts.connected(str(host))
            plain.settimeout(SECONDS)
            try:
                server = self._tls.wrap_socket(plain, server_hostname=str(host)) if has_tls else plain
                authority = str(Entry(host, port if port not in (80, 443) else None))
                with server, _ask(request, server, authority, plain=is_package or _is_for_index(request)) as response:
                    self._pass_on(request, response, client, address if is_package else None)
            except (ssl.SSLError, HTTPException, TimeoutError) as error:
                raise Unreachable(f"{host}:{port} does not answer as a registry: {error}.") from None

    def _from_cache(self, host: str, file: IO[bytes], client: socket.socket) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        self._counts.moved(host, size, cached=True)
        client.settimeout(SECONDS)
        client.sendall(_head(200, "OK", [("Content-Type", "application/octet-stream")], size))
        client.sendfile(file)

    def _pass_on(self, request: Request, response: HTTPResponse, client: socket.socket, address: str | None) -> None:
        client.settimeout(SECONDS)
        size: int | None = response.length
        host = str(request.host)
        fields = [(name, value) for name, value in response.getheaders() if name.lower() not in OF_A_CONNECTION]
        pieces: Iterable[bytes] = iter(lambda: response.read(CHUNK), b"")
        is_encoded = response.getheader("Content-Encoding", "identity") != "identity"
        is_index = response.getheader("Content-Type", "").partition(";")[0] in INDEX
        if is_index and size != 0 and not is_encoded:
            content = self._linked(response.read(LARGEST_INDEX))
            if response.length:
                raise HTTPException("its answer is cut, or too long")
            size, pieces = len(content), [content]
        keeps = address is not None and response.status == 200 and not is_encoded and not is_index
        client.sendall(_head(response.status, response.reason, fields, size))
        try:
            self._send(host, pieces, client, response, address if keeps else None)
        except (Exhausted, OSError, HTTPException):
            # In the middle of somebody's bytes nothing can be said but that these are not all.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)

    def _send(
        self, host: str, pieces: Iterable[bytes], client: socket.socket, response: HTTPResponse, address: str | None
    ) -> None:
        with self._cache.draft(address) if address is not None else nullcontext() as draft:
            for piece in pieces:
                if draft is not None:
                    draft.write(piece)
                self._counts.moved(host, len(piece))
                client.sendall(piece)
            # A chunked answer that is cut raises; one that ends with its connection is never known to be whole.
            if draft is not None and (response.chunked or response.length == 0):
                draft.keep()

    def _linked(self, page: bytes) -> bytes:
        """With its links to mirrored origins as the jail reaches these."""
        for outside, inside in self._links:
            page = page.replace(outside, inside)
        return page


def _places(origin: str) -> tuple[Place, tuple[str | Address, int, bool]]:
    """Where the jail asks for an origin, and where and how it is reached."""
    scheme, _, authority = origin.partition("://")
    host, port = split(authority)
    has_tls = scheme == "https"
    return (host, port or 80), (host, port or (443 if has_tls else 80), has_tls)


def _is_for_index(request: Request) -> bool:
    accepted = request.field(b"accept") or b""
    return any(kind.encode() in accepted for kind in INDEX)


def _ask(request: Request, server: socket.socket, authority: str, *, plain: bool) -> HTTPResponse:
    """``plain``: the answer's content is needed as it is, not compressed."""
    connection = HTTPConnection("unused")
    connection.sock = server
    connection.putrequest(request.method, request.path.decode("latin-1"), skip_host=True, skip_accept_encoding=True)
    connection.putheader("Host", authority)
    for name, value in request.fields:
        if name.lower() != b"content-length" and not (plain and name.lower() == b"accept-encoding"):
            connection.putheader(name.decode("latin-1"), value)
    if plain:
        connection.putheader("Accept-Encoding", "identity")
    connection.putheader("Connection", "close")
    connection.endheaders()
    return connection.getresponse()


def _head(status: int, reason: str, fields: Sequence[tuple[str, str]], size: int | None) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in fields)]
    if size is not None:
        lines.append(f"Content-Length: {size}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
