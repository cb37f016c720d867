"""What goes over the helper's stdin and stdout: fields of bytes, each with its length in front."""

from __future__ import annotations

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LENGTH = 4
"""Bytes of a length, big-endian."""

FILE, EXECUTABLE, LINK, FOLDER = "file", "executable", "link", "folder"
"""What an entry of the workspace is. A link's content is its target; only empty folders are entries."""
GONE, LEFT_OUT = "gone", "left-out"
"""What else stands where an entry's kind stands."""


class Malformed(ValueError):
    """Bytes that are no fields."""


def pack(fields: Iterable[bytes]) -> bytes:
    return b"".join(part for field in fields for part in (len(field).to_bytes(LENGTH, "big"), field))


def unpack(data: bytes | bytearray, most: int) -> Iterator[bytes]:
    """The fields of ``data``, at most ``most`` of them. Raises ``Malformed``."""
    at = count = 0
    view = memoryview(data)
    while at < len(data):
        start = at + LENGTH
        at = start + int.from_bytes(data[at:start], "big")
        count += 1
        if start > len(data) or at > len(data) or count > most:
            raise Malformed(f"expected at most {most} whole fields, got {len(data)} bytes that are not")
        yield bytes(view[start:at])


def fingerprint(kind: str, content: bytes) -> bytes:
    """Tells whether an entry is still what it was."""
    return fingerprint_of(kind, hashlib.sha256(content).digest())


def fingerprint_of(kind: str, digest: bytes) -> bytes:
    """The same, where the content's SHA-256 is known."""
    return kind.encode() + b":" + digest
