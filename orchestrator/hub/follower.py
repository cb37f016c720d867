"""One viewer's stream of a run: what is stored, then what is live, every id once and in order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from orchestrator import metrics
from orchestrator.drain import Drain
from orchestrator.hub.batch import Batch
from orchestrator.hub.frames import KEEPALIVE, OPENING, Framer, frame_data, gap, is_terminal, lost, terminal_heads
from orchestrator.hub.hub import Hub
from orchestrator.hub.pages import Pages
from orchestrator.hub.viewer import Viewer
from orchestrator.patience import AWAY
from orchestrator.runlog import Page, RunLog, RunMissing

RETRY_SECONDS: Final = 0.3

SLICE: Final = 65_536
"""Bytes given to the server at a time: it copies what it sends, and pages are shared by viewers as they are."""


class Follower:
    """Opens streams. ``keepalive`` in seconds; streams end early, without a terminal event, when the drain starts."""

    def __init__(self, log: RunLog, hub: Hub, drain: Drain, keepalive: float) -> None:
        self._pages = Pages(log)
        self._hub, self._drain, self._keepalive = hub, drain, keepalive

    def attach(self, run_id: str) -> Viewer:
        """A place for a viewer, of a run that need not be stored yet, where all is kept that is published from now on.

        Raises TooManyViewers, HubUnavailable.
        """
        viewer = self._hub.attach(run_id)
        viewer.catch_up()
        return viewer

    def open(
        self, run_id: str, after: int, framer: Framer, viewer: Viewer | None = None, page: Page | None = None
    ) -> Stream:
        """A stream of the events after the id ``after``; nothing published from now on can be missed.

        It takes over ``viewer``, or a new place, and begins with ``page`` where that was read since. Raises
        TooManyViewers, HubUnavailable, RunMissing and redis' errors; once it is open nothing is raised.
        """
        viewer = viewer or self.attach(run_id)
        try:
            opening = self._pages.read(run_id, after) if page is None else (page, Batch(page.first, page.events))
        except BaseException:
            viewer.close()
            raise
        return Stream(self._pages, self._drain, viewer, run_id, after, framer, opening, self._keepalive)


class Stream:
    """Chunks of frames up to the terminal event, with comments where it is silent. ``close`` it."""

    def __init__(
        self,
        pages: Pages,
        drain: Drain,
        viewer: Viewer,
        run_id: str,
        after: int,
        framer: Framer,
        opening: tuple[Page, Batch],
        keepalive: float,
    ) -> None:
        self._pages, self._drain, self._viewer = pages, drain, viewer
        self._run_id, self._framer, self._keepalive = run_id, framer, keepalive
        self._heads = terminal_heads(run_id)
        self._done = False
        page, _ = opening
        self.last = page.last
        """The run's last event when the stream was opened."""
        self.owner = page.owner
        self.is_over = page.ended and after >= page.last
        """Whether there is nothing to come: the run's terminal event was seen before."""
        viewer.cursor = self._after = after
        self._on_close: Callable[[], None] | None = None
        self._first = OPENING + self._frame(*opening)

    @property
    def delivered(self) -> int:
        """Events so far."""
        return self._viewer.cursor - self._after

    def close(self) -> None:
        """Leave the hub; may be called again."""
        self._viewer.close()
        if self._on_close is not None:
            on_close, self._on_close = self._on_close, None
            on_close()

    def on_close(self, call: Callable[[], None]) -> None:
        self._on_close = call

    def on_overdue(self, hang_up: Callable[[], None]) -> None:
        """Have ``hang_up`` called when the drain wants the stream to be over and its client takes nothing."""
        self._viewer.hang_up = hang_up

    def __iter__(self) -> Iterator[bytes]:
        viewer, chunk = self._viewer, self._first
        self._first = b""
        while True:
            if chunk:
                if len(chunk) <= SLICE:
                    yield chunk
                else:
                    yield from _slices(chunk)
                viewer.due = time.monotonic() + self._keepalive
            elif not viewer.behind:
                viewer.wait()
            if self._done or self._drain.started.is_set():
                return
            chunk = self._next() or (KEEPALIVE if time.monotonic() >= viewer.due else b"")

    def _next(self) -> bytes:
        """What can be sent now, maybe nothing."""
        if self._viewer.behind:
            return self._read_log()
        return self._take_live()

    def _take_live(self) -> bytes:
        viewer, parts = self._viewer, []
        for batch in viewer.take():
            if batch.last <= viewer.cursor:
                continue
            if batch.first > viewer.cursor + 1:
                viewer.fall_behind()
                break
            parts.append(batch.after(viewer.cursor, self._framer))
            viewer.cursor = batch.last
            self._done = is_terminal(batch.events[-1], self._heads)
        return b"".join(parts)

    def _read_log(self) -> bytes:
        self._viewer.catch_up()
        try:
            page, batch = self._pages.read(self._run_id, self._viewer.cursor)
            metrics.CATCH_UPS.inc()
        except RunMissing:
            return self._lose()
        except AWAY:
            self._viewer.behind = True
            time.sleep(RETRY_SECONDS)
            return b""
        if page.last < self._viewer.cursor:
            return self._lose()
        return self._frame(page, batch)

    def _frame(self, page: Page, batch: Batch) -> bytes:
        viewer = self._viewer
        missing = b""
        if page.first > viewer.cursor + 1:
            missing = frame_data(0, [gap(self._run_id, viewer.cursor + 1, page.first - 1)])
        viewer.cursor = batch.last
        if page.has_more:
            viewer.behind = True
        else:
            self._done = page.ended
        return missing + batch.after(page.first - 1, self._framer)

    def _lose(self) -> bytes:
        self._done = True
        return lost(self._run_id, self._viewer.cursor + 1)


def _slices(chunk: bytes) -> Iterator[bytes]:
    for start in range(0, len(chunk), SLICE):
        yield chunk[start : start + SLICE]
