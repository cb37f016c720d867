"""One viewer's stream of a run: what is stored, then what is live, every id once and in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from orchestrator.drain import Drain
from orchestrator.hub.frames import KEEPALIVE, OPENING, Framer, gap, is_terminal, lost, terminal_heads
from orchestrator.hub.hub import Hub
from orchestrator.hub.viewer import Viewer
from orchestrator.patience import AWAY
from orchestrator.runlog import Page, RunLog, RunMissing

PAGE_EVENTS: Final = 500
PAGE_BYTES: Final = 1_048_576
"""A page that was larger makes the next ones smaller: a stream may hold one page in memory beside its queue."""

RETRY_SECONDS: Final = 0.3


class Follower:
    """Opens streams. ``keepalive`` in seconds; streams end early, without a terminal event, when the drain starts."""

    def __init__(self, log: RunLog, hub: Hub, drain: Drain, keepalive: float) -> None:
        self._log, self._hub, self._drain, self._keepalive = log, hub, drain, keepalive

    def stream(self, run_id: str, after: int, framer: Framer) -> Iterator[bytes]:
        """Frames of the events after the id ``after`` up to the terminal one, with comments where it is silent.

        The first chunk comes when nothing published from then on can be missed. Until then it may raise
        TooManyViewers or HubUnavailable, later nothing.
        """
        with self._hub.attach(run_id) as viewer:
            yield OPENING
            yield from _Stream(self._log, self._drain, viewer, run_id, after, framer).chunks(self._keepalive)


class _Stream:
    def __init__(self, log: RunLog, drain: Drain, viewer: Viewer, run_id: str, after: int, framer: Framer) -> None:
        self._log, self._drain, self._viewer = log, drain, viewer
        self._run_id, self._framer = run_id, framer
        self._heads = terminal_heads(run_id)
        self._count = PAGE_EVENTS
        self._done = False
        viewer.cursor = after

    def chunks(self, keepalive: float) -> Iterator[bytes]:
        spoke = time.monotonic()
        while not self._done and not self._drain.started.is_set():
            chunk = self._next()
            if chunk:
                yield chunk
                spoke = time.monotonic()
            elif time.monotonic() - spoke >= keepalive:
                yield KEEPALIVE
                spoke = time.monotonic()
            elif not self._done:
                self._viewer.wait(spoke + keepalive - time.monotonic())

    def _next(self) -> bytes:
        """What can be sent now, maybe nothing."""
        if self._viewer.gone:
            return self._lose()
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
            page = self._log.read(self._run_id, self._viewer.cursor, self._count)
        except RunMissing:
            return self._lose()
        except AWAY:
            self._viewer.behind = True
            time.sleep(RETRY_SECONDS)
            return b""
        if page.last < self._viewer.cursor:
            return self._lose()
        return self._frame(page)

    def _frame(self, page: Page) -> bytes:
        viewer = self._viewer
        size = sum(map(len, page.events))
        self._count = max(10, self._count // 4) if size > PAGE_BYTES else PAGE_EVENTS
        missing = gap(self._run_id, viewer.cursor + 1, page.first - 1) if page.first > viewer.cursor + 1 else b""
        viewer.cursor = page.first + len(page.events) - 1
        if viewer.cursor < page.last:
            viewer.behind = True  # there are more pages
        self._done = page.ended and viewer.cursor >= page.last
        return missing + self._framer(page.first, page.events)

    def _lose(self) -> bytes:
        self._done = True
        return lost(self._run_id, self._viewer.cursor + 1)
