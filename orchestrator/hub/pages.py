"""Pages of stored events, shared by the viewers that come back together."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from orchestrator.hub.batch import Batch
from orchestrator.runlog import Page, RunLog

FULL: Final = 500
"""Events in a page: the most that a stream holds in memory beside its queue."""

FULL_BYTES: Final = 1_048_576
"""A page that was larger makes a stream's next ones smaller."""

KEPT: Final = 32
KEPT_BYTES: Final = 262_144
"""Pages kept for the next viewer, and how large each may be: with its frames some 25 MB in all at the most."""


class Pages:
    """Reads the log. A full page is kept a while: the log only grows, so it stays what it is."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[str, int], tuple[Page, Batch]] = OrderedDict()

    def read(self, run_id: str, after: int, count: int = FULL) -> tuple[Page, Batch]:
        """Stored events after the id ``after``, as they are and ready to be framed.

        Of a full page, ``last`` and ``status`` may be old: read on after it. Raises RunMissing and redis' errors.
        """
        kept = self._kept.get((run_id, after))
        if kept is not None:
            return kept
        page = self._log.read(run_id, after, count)
        read = page, Batch(page.first, page.events)
        if is_full(page) and read[1].size <= KEPT_BYTES:
            self._kept[run_id, after] = read
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return read


def is_full(page: Page) -> bool:
    return len(page.events) == FULL
