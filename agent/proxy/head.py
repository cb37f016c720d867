"""Reads the head of a request, strictly: what two programs could understand in two ways is not understood at all."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass
from typing import Final

from agent.proxy.allowed import Address, split

LONGEST: Final = 32 * 1024
"""Bytes of a head."""
MOST_FIELDS: Final = 100
SECONDS: Final = 10.0
"""For a whole head, from the connection on."""
TOKEN: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
TARGET: Final = re.compile(rb"[\x21-\x7e]+")
VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
ABSOLUTE: Final = b"http://"
OF_A_CONNECTION: Final = frozenset(
    (b"connection", b"proxy-connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"proxy-authorization")
)
"""Fields that are meant for us, not for the server (RFC 9110, 7.6.1)."""


class Malformed(Exception):
    """``status`` is the answer's; the message is a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Request:
    """``path`` is empty for CONNECT; ``fields`` are the ones to pass on, without ``host``."""

    method: str
    host: str | Address
    port: int
    authority: str
    """The host, and the port where one was given, as it was asked for."""
    path: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    length: int
    """Bytes of its body."""

    def field(self, name: bytes) -> bytes | None:
        return next((value for _, value in self.only(name)), None)

    def only(self, name: bytes) -> tuple[tuple[bytes, bytes], ...]:
        return tuple(each for each in self.fields if each[0].lower() == name)


def receive(client: socket.socket, only: str = "") -> tuple[Request, bytes]:
    """The request and what came behind its head. Raises ``Malformed``, ``OSError``.

    ``only``: host and port of the one server that is asked here, so that a target needs no more than a path.
    """
    head, rest = _read(client)
    first, *lines = head.split(b"\r\n")
    if len(lines) > MOST_FIELDS:
        raise Malformed(431, f"Expected at most {MOST_FIELDS} header fields.")
    parts = first.split(b" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Malformed(400, "Expected a request line of HTTP/1.1.")
    target = parts[1]
    fields = [_field(line) for line in lines]
    if only and target.startswith(b"/"):
        target = ABSOLUTE + only.encode() + target
        fields = [(name, value) for name, value in fields if name.lower() != b"host"]
    return _request(parts[0].decode(), target, fields), rest


def _read(client: socket.socket) -> tuple[bytes, bytes]:
    give_up = time.monotonic() + SECONDS
    text = b""
    while b"\r\n\r\n" not in text:
        if len(text) >= LONGEST:
            raise Malformed(431, f"Expected a head of at most {LONGEST} bytes.")
        if (left := give_up - time.monotonic()) <= 0:
            raise Malformed(408, f"Expected a whole head within {SECONDS:g} s.")
        client.settimeout(left)
        try:
            piece = client.recv(LONGEST - len(text))
        except TimeoutError:
            continue
        if not piece and not text:
            raise ConnectionError  # nobody has asked for anything
        if not piece:
            raise Malformed(400, "Expected a whole head.")
        text += piece
    head, _, rest = text.partition(b"\r\n\r\n")
    return head, rest


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value):
        raise Malformed(400, "Expected header fields of the form `name: value`, one a line.")
    return name, value.strip(b" \t")


def _request(method: str, target: bytes, fields: list[tuple[bytes, bytes]]) -> Request:
    if not TARGET.fullmatch(target):
        raise Malformed(400, "Expected a target of visible ASCII characters.")
    path = b""
    if method == "CONNECT":
        authority = target
    elif target[: len(ABSOLUTE)].lower() == ABSOLUTE:
        authority, slash, rest = target[len(ABSOLUTE) :].partition(b"/")
        path = slash + rest or b"/"
        if b"?" in authority or b"#" in target:
            raise Malformed(400, "Expected a path behind the host.")
    else:
        raise Malformed(
            400, "This is a proxy: expected CONNECT host:port, or a whole address such as http://host/path."
        )
    try:
        host, port = split(authority.decode("ascii"))
    except ValueError as error:
        raise Malformed(400, f"Expected host or host:port in the request's target: {error}.") from None
    if method == "CONNECT" and port is None:
        raise Malformed(400, "Expected CONNECT host:port.")
    _same_host(host, fields)
    return Request(
        method=method,
        host=host,
        port=port or 80,
        authority=authority.decode("ascii"),
        path=path,
        fields=_passed_on(fields),
        length=_length(fields),
    )


def _same_host(host: str | Address, fields: list[tuple[bytes, bytes]]) -> None:
    named = [value for name, value in fields if name.lower() == b"host"]
    if not named:
        return
    try:
        [only] = named
        if split(only.decode("ascii"))[0] == host:
            return
    except ValueError:
        pass
    raise Malformed(400, "Expected one Host field, with the host of the request's target.")


def _length(fields: list[tuple[bytes, bytes]]) -> int:
    if any(name.lower() == b"transfer-encoding" for name, _ in fields):
        raise Malformed(411, "Expected a body with Content-Length, not with Transfer-Encoding.")
    lengths = [value for name, value in fields if name.lower() == b"content-length"]
    if not lengths:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 15:
        raise Malformed(400, "Expected one Content-Length, a number of bytes.")
    return int(lengths[0])


def _passed_on(fields: list[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    named = {
        each.strip().lower() for name, value in fields if name.lower() == b"connection" for each in value.split(b",")
    }
    left_out = OF_A_CONNECTION | named | {b"host"}
    return tuple((name, value) for name, value in fields if name.lower() not in left_out)
