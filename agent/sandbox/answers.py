"""Reads the helper's answers. A command may have set its mind on them, so nothing in them is taken on trust."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, cast, get_args

from agent.entries import Changes, Entry, Kind, LeftOut
from agent.inside.serve import END
from agent.inside.wire import GONE, LEFT_OUT, Malformed, unpack
from agent.pace import Pace
from agent.paths import InvalidPath, checked
from agent.protocols import Piece, Unreadable
from agent.sandbox.exchange import ExchangeFailed

USUAL_FILES: Final = 5_000
OTHERS: Final = 1_000
"""Records of an answer that are no file's: what is not kept, by reason and folder."""
Buffer = bytes | bytearray
KINDS: Final = get_args(Kind)
MAX_TEXT: Final = 300
"""Characters of a path or a reason that people read."""


def changes(answer: Buffer, known: Collection[str], most_files: int = USUAL_FILES) -> Changes:
    """Raises ``ExchangeFailed``, like all here."""
    found = Changes()
    for kind, path, content in _records(answer, 3, len(known) + most_files + OTHERS):
        name = kind.decode(errors="replace")
        if name == LEFT_OUT:
            found.left_out.append(_left_out(path, content))
            continue
        plain = _path(path)
        if plain in found.entries or (name == GONE and plain not in known):
            raise _malformed(f"{plain!r} is in it twice, or gone and never was there")
        if name != GONE and name not in KINDS:
            raise _malformed(f"an entry of the kind {name[:MAX_TEXT]!r}")
        found.entries[plain] = None if name == GONE else Entry(content, cast(Kind, name))
        if name == GONE and content:
            found.reasons[plain] = _shown(content)
    return found


def pieces(answer: Buffer, count: int) -> list[Piece | Unreadable]:
    found: list[Piece | Unreadable] = []
    for status, content, size, more in _records(answer, 4, count):
        if status == b"ok":
            found.append(Piece(content, _number(size), bool(more)))
        else:
            found.append(Unreadable(_shown(content)))
    if len(found) != count:
        raise _malformed(f"{len(found)} files, where {count} were asked for")
    return found


def failures(answer: Buffer, asked: Collection[str]) -> dict[str, str]:
    """Path → why it could not be written."""
    found = {_path(path): _shown(reason) for path, reason in _records(answer, 2, len(asked))}
    if not found.keys() <= set(asked):
        raise _malformed("paths that nobody asked for")
    return found


def nothing(answer: Buffer) -> None:
    for _ in _records(answer, 1, 1):
        raise _malformed("something, where nothing was expected")


def _records(answer: Buffer, width: int, most: int) -> Iterator[Sequence[bytes]]:
    fields, pace = [], Pace()
    try:
        for field in unpack(answer, width * most + 1):
            fields.append(field)
            pace(len(field))
    except Malformed as error:
        raise _malformed(str(error)) from error
    if not fields or fields.pop() != END or len(fields) % width:
        raise _malformed("it is not whole")
    for at in range(0, len(fields), width):
        yield fields[at : at + width]


def _left_out(path: bytes, content: bytes) -> LeftOut:
    count, _, rest = content.partition(b" ")
    size, _, reason = rest.partition(b" ")
    return LeftOut(_shown(path), _number(size), _shown(reason), _number(count))


def _path(raw: bytes) -> str:
    try:
        path = raw.decode()
        if checked(path) == path:
            return path
    except (UnicodeDecodeError, InvalidPath):
        pass
    raise _malformed(f"the path {raw[:MAX_TEXT]!r}")


def _number(raw: bytes) -> int:
    if not raw.isdigit() or len(raw) > 20:
        raise _malformed(f"the number {raw[:MAX_TEXT]!r}")
    return int(raw)


def _shown(raw: bytes) -> str:
    """Text that may stand on a terminal and in a model's context."""
    text = raw.decode(errors="backslashreplace")[:MAX_TEXT]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _malformed(what: str) -> ExchangeFailed:
    return ExchangeFailed(f"the workspace's files could not be looked at: the answer holds {what}")
