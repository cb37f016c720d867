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


class Taken(TransientError):
    """Somebody else holds the workspace."""


@contextmanager
def exclusive(lock: Path, check: Callable[[], None], patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold the file ``lock``. Raises what ``check`` raises, and ``Taken`` when it stays taken for ``patience`` seconds.

    The system lets go of it when its holder dies.
    """
    give_up = time.monotonic() + patience
    while (held := _take(lock)) is None:
        check()
        if time.monotonic() >= give_up:
            raise Taken("an earlier attempt still holds the workspace")
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        os.close(held)


def _take(lock: Path) -> int | None:
    fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_ino == os.stat(lock).st_ino:  # else it was removed while we waited: no lock any more
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(fd)
    return None
