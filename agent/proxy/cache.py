"""Packages that were fetched once, for all runs of this machine. Runs only ever read: what is here a server has sent.

The folder is this process's current one, and nobody else's but that of the other runs' proxies.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO, Final, Self

UNFINISHED: Final = ".new"
GIVEN_UP: Final = 3600.0
"""Seconds after which what nobody has finished is removed; a command ends its proxy at any time."""


class Cache:
    """``most``: bytes of all files together; what was not used for longest goes first."""

    def __init__(self, most: int) -> None:
        self._most = most

    def open(self, address: str) -> IO[bytes] | None:
        name = _name(address)
        try:
            file = open(name, "rb")  # noqa: SIM115  # whoever asked closes it
        except OSError:
            return None
        with suppress(OSError):
            os.utime(name)
        return file

    def draft(self, address: str) -> Draft:
        """To be filled with what ``address`` holds; use as a context manager."""
        return Draft(_name(address), self._make_room)

    def _make_room(self) -> None:
        found = sorted(_files())
        total = sum(size for _, size, _ in found)
        long_ago = time.time() - GIVEN_UP
        for used, size, name in found:
            is_draft = name.endswith(UNFINISHED)
            if (total > self._most and not is_draft) or (is_draft and used < long_ago):
                _remove(name)
                total -= size


class Draft:
    """A file that is the cache's once it is kept, all or nothing. A full disk is no trouble of whoever writes it."""

    def __init__(self, name: str, make_room: Callable[[], None]) -> None:
        self._name, self._make_room = name, make_room
        self._draft = f"{secrets.token_hex(8)}{UNFINISHED}"
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._file = open(self._draft, "xb", buffering=0)
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up()

    def write(self, piece: bytes) -> None:
        if self._file is not None:
            try:
                self._file.write(piece)
            except OSError:
                self._give_up()

    def keep(self) -> None:
        if self._file is not None:
            os.rename(self._draft, self._name)
            self._make_room()

    def _give_up(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            _remove(self._draft)


def _files() -> Iterator[tuple[float, int, str]]:
    """When it was used last, its bytes, its name."""
    for entry in os.scandir("."):
        with suppress(FileNotFoundError):  # another run's proxy makes room, too
            found = entry.stat()
            yield found.st_mtime, found.st_size, entry.name


def _remove(name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name)


def _name(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()
