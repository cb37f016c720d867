"""One attempt at a time in a workspace: an attempt that took over waits until the one before has let go."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from agent.errors import TransientError

POLL_SECONDS: Final = 0.1
PATIENCE_SECONDS: Final = 15.0
"""A stale attempt notices within a second; one that holds on longer hangs, and another machine may do better."""


@contextmanager
def exclusive(root: Path, check: Callable[[], None]) -> Iterator[None]:
    """Hold the workspace ``root``. Raises what ``check`` raises, and ``TransientError`` when it stays taken.

    The lock is a file beside the folder; the system lets go of it when its holder dies.
    """
    lock = os.open(root.with_name(f"{root.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not _taken(lock):
            check()
            if time.monotonic() > give_up:
                raise TransientError("an earlier attempt still holds the workspace")
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
