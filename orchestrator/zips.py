"""A state of files as a zip archive, made while it is sent: the same bytes for the same files."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from typing import Final

from agent.entries import Kind, batches, sha256
from agent.pace import Pace
from orchestrator.runlog.views import FilesView

LEVEL: Final = 3
"""Of compression; a higher one takes twice the time for a tenth less."""
PIECE: Final = 65_536
"""Bytes that are compressed in one go, in about two milliseconds."""
COMPRESSED: Final = 8
"""So many times as long as hashing takes compressing."""
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an entry can have: when a file was made is not known."""
MODES: Final[dict[Kind, int]] = {
    "file": stat.S_IFREG | 0o644,
    "executable": stat.S_IFREG | 0o755,
    "link": stat.S_IFLNK | 0o777,
    "folder": stat.S_IFDIR | 0o755,
}


class FileLost(Exception):
    """A file's content went while the archive was being sent, which so must not look whole."""


def zip_of(view: FilesView) -> Iterator[bytes]:
    """The archive in pieces. Raises FileLost and redis' errors."""
    sink, pace, instead = _Sink(), Pace(), _instead_of_backslash(view)
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for paths in batches({path: mark.size for path, mark in view.marks.items()}):
            contents = view.read_all(paths)
            for path in paths:
                kind = view.marks[path].kind
                if _may_lead_out(view, path):
                    continue
                content = b"" if kind == "folder" else contents.pop(path, None)
                if content is None:
                    raise FileLost(path)
                if kind == "link":
                    content = content.replace(b"\\", instead.encode())
                with archive.open(_info(path.replace("\\", instead), kind), "w") as entry:
                    for at in range(0, len(content), PIECE):
                        entry.write(memoryview(content)[at : at + PIECE])
                        yield sink.take()
                        pace(COMPRESSED * PIECE)
                del content
                yield sink.take()
    yield sink.take()


def _may_lead_out(view: FilesView, path: str) -> bool:
    """Whether a link goes through another one and then up: where that leads only the unpacked archive would show."""
    at, through_link = path.split("/")[:-1], False
    for part in view.marks[path].target.split("/"):
        if part == "..":
            if through_link or not at:
                return True
            at.pop()
        elif part not in ("", "."):
            at.append(part)
            mark = view.marks.get("/".join(at))
            through_link = through_link or (mark is not None and mark.kind == "link")
    return False


def _instead_of_backslash(view: FilesView) -> str:
    """What it becomes in names: on Windows it parts folders, and a name is `..\\..\\x` then. No two become one."""
    if not any("\\" in path for path in view.marks):
        return "_"
    places = {path[:at] for path in view.marks for at in _ends_of_parts(path)}
    if len({place.replace("\\", "_") for place in places}) == len(places):
        return "_"
    return f"_{sha256(chr(0).join(sorted(places)).encode())[:16]}_"  # which none of them can hold


def _ends_of_parts(path: str) -> Iterator[int]:
    """Where the folders above ``path`` end, and itself."""
    yield from (at for at, character in enumerate(path) if character == "/")
    yield len(path)


def _info(name: str, kind: Kind) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{name}/" if kind == "folder" else name, EPOCH)
    info.create_system = 3  # Unix, so that modes and links count
    info.external_attr = MODES[kind] << 16
    info.compress_type = zipfile.ZIP_STORED if kind == "folder" else zipfile.ZIP_DEFLATED
    info._compresslevel = LEVEL  # type: ignore[attr-defined]  # open() does not take the archive's
    return info


class _Sink:
    """A file that cannot be sought, from which what was written is taken away."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
