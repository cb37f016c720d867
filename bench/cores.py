"""Which core does what: where there are two, the server and the load have one each; all others go where they like."""

import os
from collections.abc import Iterable
from pathlib import Path

_ALL = sorted(os.sched_getaffinity(0))
LOAD, SERVER = _ALL[0], _ALL[-1]


def pin(core: int, pids: Iterable[int] = (0,)) -> None:
    """Keep processes (0: this one), with all their threads, on one core."""
    for pid in pids:
        for task in Path(f"/proc/{pid or os.getpid()}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})
