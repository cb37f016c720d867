"""The helper's program: one request from stdin, one answer to stdout. The workspace is the current folder."""

from __future__ import annotations

import os
import sys

from agent.inside import confined
from agent.inside.look import Limits, Look
from agent.inside.wire import EXECUTABLE, FILE, FOLDER, GONE, LEFT_OUT, LINK, pack, unpack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_FIELDS = 1_000_000
"""Of a request, which comes from the service."""
CHUNK = 65_536
"""Bytes of one read while lines are counted."""
END = b"end"
"""The last field of every whole answer."""


def main() -> None:
    verb, *fields = unpack(sys.stdin.buffer.read(), MOST_FIELDS)
    for field in VERBS[verb](".", fields):  # one by one: all of them together may be more than fits in memory
        sys.stdout.buffer.write(pack([field]))
    sys.stdout.buffer.write(pack([END]))
    sys.stdout.buffer.flush()


def changes(root: str, fields: list[bytes]) -> Iterator[bytes]:
    """Asked: file, total, files, depth, seconds, ignored, then path and fingerprint …. Says: kind, path, content …."""
    file, total, files, depth, seconds = map(int, fields[:5])
    ignored, known = frozenset(fields[5].decode().split("/")), fields[6:]
    limits = Limits(file, total, files, depth, seconds, ignored)
    look = Look(root, {path.decode(): mark for path, mark in zip(known[::2], known[1::2])}, limits)  # noqa: B905
    for kind, path, content in look.changes():
        yield from (kind.encode(), path.encode(), content)
    for path, count, size, reason in look.left_out.all():
        yield from (LEFT_OUT.encode(), os.fsencode(path), f"{count} {size} {reason}".encode(errors="replace"))


def write(root: str, fields: list[bytes]) -> Iterator[bytes]:
    """Asked: ``replace`` or ``keep``, then kind, path, content …. Says: path, what went wrong …."""
    replaces, records = fields[0] == b"replace", fields[1:]
    for at in range(0, len(records), 3):
        kind, path, content = records[at].decode(), records[at + 1].decode(), records[at + 2]
        try:
            _write(root, kind, path, content, replaces)
        except OSError as error:
            yield from (path.encode(), (error.strerror or "failed").encode())


def _write(root: str, kind: str, path: str, content: bytes, replaces: bool) -> None:
    if kind == GONE:
        confined.delete(root, path)
    elif kind == LINK:
        confined.link(root, path, content.decode())
    elif kind == FOLDER:
        confined.make_folder(root, path)
    elif kind in (FILE, EXECUTABLE) and replaces:
        confined.replace(root, path, content, executable=kind == EXECUTABLE)
    else:
        confined.write(root, path, content)


def read(root: str, fields: list[bytes]) -> Iterator[bytes]:
    """Asked: path, first line, lines (0: all), most bytes …. Says: ``ok``, content, size, ``more`` … or why not."""
    for at in range(0, len(fields), 4):
        path, (first, lines, limit) = fields[at].decode(), map(int, fields[at + 1 : at + 4])
        try:
            with confined.parent(root, path) as (folder, name), confined.regular(name, os.O_RDONLY, folder) as fd:
                size = os.fstat(fd).st_size
                with open(fd, "rb", closefd=False) as file:
                    _skip(file, first - 1)
                    content = _lines(file, lines, limit)
                    more = bool(file.read(1))
            yield from (b"ok", content, str(size).encode(), b"more" if more else b"")
        except OSError as error:
            yield from (b"failed", (error.strerror or "failed").encode(), b"0", b"")


def _skip(file: object, lines: int) -> None:
    while lines > 0 and (piece := file.readline(CHUNK)):  # type: ignore[attr-defined]
        lines -= piece.endswith(b"\n")


def _lines(file: object, lines: int, limit: int) -> bytes:
    if not lines:
        return file.read(limit)  # type: ignore[attr-defined,no-any-return]
    kept: list[bytes] = []
    while lines > 0 and limit > 0 and (piece := file.readline(limit)):  # type: ignore[attr-defined]
        kept.append(piece)
        limit -= len(piece)
        lines -= piece.endswith(b"\n")
    return b"".join(kept)


def clear(root: str, fields: list[bytes]) -> Iterator[bytes]:
    """Empty the workspace. Says nothing; what cannot be removed fails the helper."""
    with confined.folder(root, "") as fd:
        for name in os.listdir(fd):
            confined.remove(fd, name)
    return iter(())


VERBS = {b"changes": changes, b"write": write, b"read": read, b"clear": clear}
