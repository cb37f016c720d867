"""One open stream, as the hub sees it."""

from __future__ import annotations

from collections.abc import Callable

from gevent.event import Event

from orchestrator.hub.batch import Batch


class Viewer:
    """A bounded queue of batches. What does not fit is dropped and read from the log instead."""

    __slots__ = ("_detach", "_limit", "_size", "_wake", "batches", "behind", "cursor", "due", "hang_up")

    def __init__(self, limit: int, detach: Callable[[Viewer], None]) -> None:
        self._limit = limit
        self._detach = detach
        self._size = 0
        self._wake = Event()
        self.batches: list[Batch] = []
        self.cursor = 0
        """The id delivered last; the follower keeps it."""
        self.behind = True
        """Something may have been missed: read the log from the cursor."""
        self.due = float("inf")
        """When the stream must look up even if nothing comes, by the monotonic clock."""
        self.hang_up: Callable[[], None] = _nothing
        """Breaks the connection under a stream that waits for its client."""

    def push(self, batch: Batch) -> None:
        if self.behind:
            return  # it is on its way to the log, which has this too
        self._size += batch.size
        if self._size > self._limit:
            self.fall_behind()
        else:
            self.batches.append(batch)
            self._wake.set()

    def fall_behind(self) -> None:
        self.behind = True
        self.batches = []
        self._size = 0
        self._wake.set()

    def compare(self, cursor: int, last: int | None) -> None:
        """Learn that the log's last id was ``last`` (None: no such run) after the cursor had been ``cursor``."""
        if last is None or last < cursor or (last > cursor == self.cursor and not self.batches):
            self.fall_behind()  # the log knows whether it is lost, another one, or not stored yet

    def catch_up(self) -> None:
        """Queue again what is published from now on; the log holds all before."""
        self.behind = False
        self.take()

    def wake(self) -> None:
        self._wake.set()

    def take(self) -> list[Batch]:
        batches, self.batches, self._size = self.batches, [], 0
        return batches

    def close(self) -> None:
        """Leave the hub; may be called again."""
        self._detach(self)

    def tick(self, now: float) -> None:
        if now >= self.due:
            self._wake.set()

    def wait(self) -> None:
        """Until something comes, or the hub's clock is past ``due``."""
        self._wake.wait()
        self._wake.clear()


def _nothing() -> None:
    """A poll has no connection that could be held up."""
