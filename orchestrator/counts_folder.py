"""Where the processes of one gunicorn count (PROMETHEUS_MULTIPROC_DIR): a folder that goes when they are gone.

A master that ends removes its own. After `kill -9` the next one that starts on this machine does: as long as the master
or a worker lives, the folder is locked (they share the lock over the fork), and the system lets go of it when they die.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

PREFIX: Final = "runwire-metrics-held-"
UNFINISHED: Final = "runwire-metrics-new-"
"""Its name until it is locked; nobody looks at it meanwhile."""


def make_counts_folder() -> str:
    """A folder of this process and of those that it forks. Those of dead ones are removed first."""
    place = Path(tempfile.gettempdir())
    remove_abandoned(place)
    made = Path(tempfile.mkdtemp(prefix=UNFINISHED))
    _lock(made)  # for as long as we live
    folder = made.rename(place / f"{PREFIX}{made.name.removeprefix(UNFINISHED)}")
    atexit.register(_remove, folder, os.getpid())
    return str(folder)


def remove_abandoned(place: Path) -> None:
    """Remove this user's folders there that no living process holds."""
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another's, in use, or just removed by somebody else
            held = _lock(folder)
            try:
                if os.fstat(held).st_uid == os.geteuid():
                    shutil.rmtree(folder)
            finally:
                os.close(held)


def _remove(folder: Path, master: int) -> None:
    """What a worker inherits does nothing in it."""
    if os.getpid() == master:
        shutil.rmtree(folder, ignore_errors=True)


def _lock(folder: Path) -> int:
    """Raises BlockingIOError where somebody holds it."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened
