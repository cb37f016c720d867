"""One open stream, as the hub sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gevent.event import Event

from orchestrator.hub.batch import Batch


class Holder(Protocol):
    """Who sends what a viewer's stream has to say."""

    def wake(self) -> None:
        """Something has come, or the stream must look up. May close the stream."""

    def hang_up(self) -> None:
        """Break the connection of a stream whose client takes nothing."""


class Channel(Protocol):
    """Where a viewer hears what is published."""

    def leave(self, viewer: Viewer) -> None:
        """May be called again."""


class Waiter:
    """The greenlet of a request."""

    __slots__ = ("_event", "hang_up", "wake")

    def __init__(self) -> None:
        self._event = Event()
        self.wake = self._event.set
        self.hang_up: Callable[[], None] = _nothing

    def wait(self) -> None:
        self._event.wait()
        self._event.clear()


class Viewer:
    """A bounded queue of batches. What does not fit is dropped and read from the log instead."""

    __slots__ = ("_channel", "_holder", "_limit", "_size", "batches", "behind", "cursor", "due")

    def __init__(self, limit: int, channel: Channel) -> None:
        self._limit, self._channel = limit, channel
        self._size = 0
        self._holder: Holder = Waiter()
        self.batches: list[Batch] | tuple[()] = ()
        self.cursor = 0
        """The id delivered last; the stream keeps it."""
        self.behind = True
        """Something may have been missed: read the log from the cursor."""
        self.due = float("inf")
        """When the stream must look up even if nothing comes, by the monotonic clock."""

    def push(self, batch: Batch) -> None:
        if self.behind:
            return  # it is on its way to the log, which has this too
        self._size += batch.size
        if self._size > self._limit:
            self.fall_behind()
        else:
            if self.batches:
                self.batches.append(batch)
            else:
                self.batches = [batch]
            self._holder.wake()

    def fall_behind(self) -> None:
        self.miss()
        self._holder.wake()

    def miss(self) -> None:
        """What was queued is of no use: the log has to be read before it."""
        self.behind = True
        self.take()

    def compare(self, cursor: int, last: int | None) -> None:
        """Learn that the log's last id was ``last`` (None: no such run) after the cursor had been ``cursor``."""
        if last is None or last < cursor or (last > cursor == self.cursor and not self.batches):
            self.fall_behind()  # the log knows whether it is lost, another one, or not stored yet

    def catch_up(self) -> None:
        """Queue again what is published from now on; the log holds all before."""
        self.behind = False
        self.take()

    def take(self) -> Sequence[Batch]:
        batches = self.batches
        if batches:
            self.batches, self._size = (), 0
        return batches

    def close(self) -> None:
        """Leave the hub; may be called again."""
        self._channel.leave(self)

    def hold(self, holder: Holder) -> None:
        """Have ``holder`` woken from now on, and at once: something may have come before."""
        self._holder = holder
        holder.wake()

    def wake(self) -> None:
        self._holder.wake()

    def hang_up(self) -> None:
        self._holder.hang_up()

    def wait(self) -> None:
        """Until something comes, or the hub's clock is past ``due``. For a greenlet's own viewer."""
        assert isinstance(self._holder, Waiter)
        self._holder.wait()


def _nothing() -> None:
    """A poll has no connection that could be held up."""
