"""One viewer's stream of a run: what is stored, then what is live, every id once and in order.

It knows no connection. Whoever has one asks for the next ``turn`` when the viewer is woken: a request's greenlet
(``web/streams.py``), or the parking of sockets that need none (``parking.py``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from redis.exceptions import RedisError

from orchestrator import metrics
from orchestrator.access import RunOwner
from orchestrator.drain import Drain
from orchestrator.hub.batch import Batch
from orchestrator.hub.frames import KEEPALIVE, OPENING, Framer, frame_data, gap, is_terminal, lost
from orchestrator.hub.pages import Pages
from orchestrator.hub.viewer import Viewer
from orchestrator.runlog import Page, RunMissing

if TYPE_CHECKING:
    from orchestrator.hub.parking import Connection, Parking

RETRY_SECONDS: Final = 0.3


class Format(Protocol):
    """How a stream is written; one that has a state belongs to one stream."""

    @property
    def done(self) -> bool:
        """Nothing more is to be said, although the run may go on."""

    def begin(self, said: bytes) -> bytes:
        """What is sent first, with what is ``said`` of the first page, maybe nothing."""

    def say(self, batch: Batch, cursor: int) -> bytes:
        """The events of ``batch`` with ids above ``cursor``."""

    def say_alone(self, event: bytes) -> bytes:
        """An event that no log has: a gap, the loss of the run."""

    def pause(self) -> bytes:
        """Said where nothing has come for a while."""

    def cut(self) -> bytes:
        """Said last where the stream ends before the run does."""


class Frames:
    """Our own format: frames that are the same for all."""

    __slots__ = ("_framer",)
    done: Final = False

    def __init__(self, framer: Framer) -> None:
        self._framer = framer

    def begin(self, said: bytes) -> bytes:
        return OPENING + said

    def say(self, batch: Batch, cursor: int) -> bytes:
        return batch.after(cursor, self._framer)

    def say_alone(self, event: bytes) -> bytes:
        return frame_data(0, [event])

    def pause(self) -> bytes:
        return KEEPALIVE

    def cut(self) -> bytes:
        return b""


@dataclass(frozen=True)
class Sources:
    """What all streams of a process share. ``keepalive`` in seconds."""

    pages: Pages
    parking: Parking
    drain: Drain
    keepalive: float


class Stream:
    """``begin``, then a ``turn`` whenever the viewer is woken, until it has ``ended``; then ``finish``. ``close`` it.

    It ends with the run's terminal event, or early when the drain starts.
    """

    __slots__ = ("_after", "_done", "_format", "_on_close", "_opening", "_run_id", "_sources", "viewer")

    def __init__(
        self,
        sources: Sources,
        viewer: Viewer,
        run_id: str,
        after: int,
        format: Format,
        opening: tuple[Page, Batch],
    ) -> None:
        self._sources, self.viewer = sources, viewer
        self._run_id, self._format = run_id, format
        self._done = False
        self._opening: tuple[Page, Batch] | None = opening
        viewer.cursor = self._after = after
        self._on_close: Callable[[], None] | None = None

    @property
    def last(self) -> int:
        """The run's last event when the stream was opened; to be asked before it begins."""
        return self._first_page.last

    @property
    def owner(self) -> RunOwner:
        return self._first_page.owner

    @property
    def is_over(self) -> bool:
        """Whether there is nothing to come: the run's terminal event was seen before."""
        return self._first_page.ended and self._after >= self.last

    @property
    def _first_page(self) -> Page:
        assert self._opening is not None
        return self._opening[0]

    @property
    def delivered(self) -> int:
        """Events so far."""
        return self.viewer.cursor - self._after

    @property
    def ended(self) -> bool:
        return self._done or self._format.done or self._sources.drain.started.is_set()

    def say_as(self, format: Format) -> None:
        """To be called before the stream begins."""
        self._format = format

    def on_close(self, call: Callable[[], None]) -> None:
        self._on_close = call

    def close(self) -> None:
        """Leave the hub; may be called again."""
        self.viewer.close()
        if self._on_close is not None:
            on_close, self._on_close = self._on_close, None
            on_close()

    def begin(self) -> bytes:
        """The first bytes, with the first page."""
        assert self._opening is not None
        opening, self._opening = self._opening, None
        self.viewer.due = time.monotonic() + self._sources.keepalive
        return self._format.begin(self._say(*opening))

    def turn(self) -> bytes:
        """What can be sent now, maybe nothing. Waits for Redis where the viewer is behind, else for nothing."""
        viewer = self.viewer
        said = self._read_log() if viewer.behind else self._take_live()
        if not said:
            return self.heartbeat()
        viewer.due = time.monotonic() + self._sources.keepalive
        return said

    def heartbeat(self) -> bytes:
        """What is said in a pause, where that is due. For between turns, and while one waits for Redis."""
        now = time.monotonic()
        if now < self.viewer.due:
            return b""
        self.viewer.due = now + self._sources.keepalive
        return self._format.pause()

    def finish(self) -> bytes:
        """The last bytes, maybe none."""
        return b"" if self._format.done else self._format.cut()

    def park(self, connection: Connection) -> None:
        """Go on without a greenlet: the parking has the stream from now on, and closes it."""
        self._sources.parking.park(self, connection)

    def _take_live(self) -> bytes:
        viewer, said = self.viewer, b""
        for batch in viewer.take():
            cursor, last = viewer.cursor, batch.last
            if last <= cursor:
                continue
            if batch.first > cursor + 1:
                viewer.miss()
                break
            more = self._format.say(batch, cursor)
            said = said + more if said else more
            viewer.cursor = last
            self._done = is_terminal(batch.events[-1])
        return said

    def _read_log(self) -> bytes:
        self.viewer.catch_up()
        try:
            page, batch = self._sources.pages.read(self._run_id, self.viewer.cursor)
            metrics.CATCH_UPS.inc()
        except RunMissing:
            return self._lose()
        except (RedisError, OSError):  # away, or it refuses for a while: busy with somebody's script
            self.viewer.miss()
            time.sleep(RETRY_SECONDS)
            return b""
        if page.last < self.viewer.cursor:
            return self._lose()
        return self._say(page, batch)

    def _say(self, page: Page, batch: Batch) -> bytes:
        viewer = self.viewer
        missing = b""
        if page.first > viewer.cursor + 1:
            missing = self._format.say_alone(gap(self._run_id, viewer.cursor + 1, page.first - 1))
        if page.has_more:
            viewer.miss()
        else:
            self._done = page.ended
        viewer.cursor = batch.last
        said = self._format.say(batch, page.first - 1) if page.events else b""
        return missing + said if missing else said

    def _lose(self) -> bytes:
        self._done = True
        return self._format.say_alone(lost(self._run_id, self.viewer.cursor + 1))
