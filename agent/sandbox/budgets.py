"""What a jail may use up, all its processes together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MB: Final = 1024 * 1024


@dataclass(frozen=True)
class Budgets:
    """Sizes in bytes, ``cpu`` in seconds. Whoever passes one is killed, and told which.

    Wall time is not here: each command comes with its own.
    """

    memory: int = 2048 * MB
    """What processes hold, /tmp, /dev/shm and the kernel's work for them; not the page cache."""
    processes: int = 256
    """Processes and threads."""
    cpu: int = 300
    disk: int = 1024 * MB
    """Bytes that the workspace takes on the disk, deleted files that are still open included."""
    files: int = 200_000
    """Files and folders in the workspace."""
    output: int = 8 * MB
    """Of both streams; nobody reads more, and the command would write on until its time is up."""
    scratch: int = 128 * MB
    """Size of /tmp, and of /dev/shm. Full means "no space left" there, not death."""
    file: int = 256 * MB
    """Size of one file; the compiler of Next.js is one of 131 MB. Bigger means "file too large"."""
    background: int = 4
    """Processes that may go on in the background of one run; each has budgets of its own."""
