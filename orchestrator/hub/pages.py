"""Pages of stored events, shared by the viewers that come back together.

Pages end at fixed ids, the multiples of PAGE_EVENTS: whatever two viewers of a run have missed, after its first page
each goes on with the same ones.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from orchestrator.hub.batch import Batch
from orchestrator.runlog import Page, RunLog

PAGE_EVENTS: Final = 500
PAGE_BYTES: Final = 262_144
"""What a stream takes from the log at a time, and so what a viewer that does not read keeps in memory beside its queue.
An event that is larger makes a page of its own."""

KEPT_BYTES: Final = 8_388_608
"""Pages kept for the next viewers, in all; with their frames about twice as much."""


class Pages:
    """Reads the log. A page that cannot change any more is kept a while: events follow it, or the run has ended."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._kept: OrderedDict[tuple[str, int], tuple[Page, Batch]] = OrderedDict()
        self._size = 0

    def read(self, run_id: str, after: int) -> tuple[Page, Batch]:
        """Stored events after the id ``after``, as they are and ready to be framed.

        Of a page with more behind it, ``last`` and ``status`` may be old: read on. Raises RunMissing and redis' errors.
        """
        kept = self._kept.get((run_id, after))
        if kept is not None:
            return kept
        page = self._log.read(run_id, after, PAGE_EVENTS - after % PAGE_EVENTS, PAGE_BYTES)
        read = page, Batch(page.first, page.events)
        if page.events and (page.has_more or page.ended):
            self._keep((run_id, after), read)
        return read

    def _keep(self, place: tuple[str, int], read: tuple[Page, Batch]) -> None:
        replaced = self._kept.pop(place, None)  # two that came at once have both read it
        self._size += read[1].size - (replaced[1].size if replaced else 0)
        self._kept[place] = read
        while self._size > KEPT_BYTES:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._size -= oldest.size
