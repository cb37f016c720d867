"""How many streams the system's limit of open files leaves room for: each is one."""

from __future__ import annotations

import resource
from typing import Final

from orchestrator.logs import get_logger

FOR_OTHERS: Final = 2_000
"""Files that calls, runs and Redis may need meanwhile; where there are few, half of them."""

log = get_logger(__name__)


def viewers_at_most(wanted: int) -> int:
    """``wanted``, or fewer: with no file left, connections and commands of runs fail, and nobody is told to wait."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, files - min(FOR_OTHERS, files // 2))


def warn_of_few_files(wanted: int) -> None:
    """For the start of a server: not as many viewers as ``wanted`` will be taken."""
    possible = viewers_at_most(wanted)
    if possible < wanted:
        log.warning("hub.few_files", viewers=possible, wanted=wanted)
