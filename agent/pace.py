"""Long work in a process that does other things, too: it stops for them now and then."""

from __future__ import annotations

import time
from typing import Final

EVERY: Final = 524_288
"""Bytes; hashed, copied or searched in one or two milliseconds."""
ITEM: Final = 4_096
"""What any item counts for at least: its own handling takes as long as so many bytes."""


class Pace:
    """Called with the bytes of each item, lets other threads, or greenlets, go on after each EVERY of them."""

    def __init__(self) -> None:
        self._done = 0

    def __call__(self, done: int = ITEM) -> None:
        self._done += max(done, ITEM)
        if self._done >= EVERY:
            self._done = 0
            time.sleep(0)
