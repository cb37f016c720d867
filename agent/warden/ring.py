"""The last output of a background process, in a file of one size: the warden writes, the service reads meanwhile.

The file begins with a number of 8 bytes: how many bytes came in all. Byte ``n`` of them lies at ``n % SIZE`` behind it.
"""

from __future__ import annotations

import os

CHUNK = 16 * 1024
"""Bytes of one piece, at most."""
KEPT = 256 * 1024
"""Bytes that can be read. The room beyond them is what a reader may find half overwritten."""
SIZE = KEPT + CHUNK
HEADER = 8


class Ring:
    def __init__(self, file: int) -> None:
        self._file = file
        self._total = 0

    def add(self, piece: bytes) -> None:
        """Up to ``CHUNK`` bytes."""
        at = self._total % SIZE
        os.pwrite(self._file, piece[: SIZE - at], HEADER + at)
        os.pwrite(self._file, piece[SIZE - at :], HEADER)
        self._total += len(piece)
        os.pwrite(self._file, self._total.to_bytes(HEADER, "little"), 0)


def make(file: int) -> None:
    """Take the room on the disk now, so that a full one is no surprise later. Raises ``OSError``."""
    os.posix_fallocate(file, 0, HEADER + SIZE)


def read(file: int, since: int) -> tuple[bytes, int]:
    """What came after the first ``since`` bytes, as far as it is kept, and how many of them are not."""
    total = _total(file)
    content = os.pread(file, SIZE, HEADER)
    first = min(total, max(since, _total(file) - KEPT))
    return (content + content)[first % SIZE :][: total - first], first - min(since, first)


def _total(file: int) -> int:
    return int.from_bytes(os.pread(file, HEADER, 0), "little")
