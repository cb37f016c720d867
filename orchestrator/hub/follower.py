"""Opens streams: a place in the hub and a page of the log, asked for together; what was published between is found."""

from __future__ import annotations

from functools import cache
from typing import Final

from orchestrator.drain import Drain
from orchestrator.hub.batch import Batch
from orchestrator.hub.frames import Framer
from orchestrator.hub.hub import Hub
from orchestrator.hub.pages import Pages
from orchestrator.hub.parking import Parking
from orchestrator.hub.stream import Frames, Sources, Stream
from orchestrator.hub.viewer import Viewer
from orchestrator.runlog import Page, RunLog

_frames: Final = cache(Frames)
"""Our own format has no state: one for all streams."""


class Follower:
    """``keepalive`` in seconds; streams end early, without a terminal event, when the drain starts."""

    def __init__(self, log: RunLog, hub: Hub, drain: Drain, keepalive: float) -> None:
        self._sources = Sources(Pages(log), Parking(), drain, keepalive)
        self._hub = hub

    def attach(self, run_id: str) -> Viewer:
        """A place for a viewer, of a run that need not be stored yet. Raises TooManyViewers."""
        viewer = self._hub.attach(run_id)
        viewer.catch_up()
        return viewer

    def confirm(self, run_id: str) -> None:
        """Wait until all is kept that is published from now on for a run with such a place. Raises HubUnavailable."""
        self._hub.await_channel(run_id)

    def open(
        self, run_id: str, after: int, framer: Framer, viewer: Viewer | None = None, page: Page | None = None
    ) -> Stream:
        """A stream of the events after the id ``after``; nothing published from now on can be missed.

        It takes over ``viewer``, or a new place, and begins with ``page`` where that was read since its place was
        confirmed. Raises TooManyViewers, HubUnavailable, RunMissing and redis' errors; once it is open nothing.
        """
        viewer = viewer or self.attach(run_id)
        try:
            opening = self._read(run_id, after) if page is None else (page, Batch(page.first, page.events))
        except BaseException:
            viewer.close()
            raise
        return Stream(self._sources, viewer, run_id, after, _frames(framer), opening)

    def _read(self, run_id: str, after: int) -> tuple[Page, Batch]:
        """The first page. Its channel was perhaps asked for in this turn of the loop, and is not heard before it."""
        was_heard = self._hub.hears(run_id)
        opening = self._sources.pages.read(run_id, after)
        if not was_heard:
            self.confirm(run_id)
            self._hub.prove(run_id)
        return opening
