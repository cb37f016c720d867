"""Fans the channels out to viewers: one connection, one reading greenlet, any number of streams.

What makes a stream gapless: what is published after the channel's acknowledgement is heard, and what is older is in the
log. A viewer that has read the log before the acknowledgement came is compared with the log once more (``prove``). A
later acknowledgement means a reconnect: whoever watches that channel reads the log again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import Final

import gevent
from gevent.event import Event
from redis.exceptions import RedisError

from orchestrator import metrics
from orchestrator.hub.batch import Batch
from orchestrator.hub.connection import SubscriberConnection
from orchestrator.hub.frames import event_id, timestamp
from orchestrator.hub.viewer import Viewer
from orchestrator.logs import get_logger
from orchestrator.runlog.connection import Client
from orchestrator.runlog.fitness import check_write
from orchestrator.runlog.keys import RunKeys, channel

log = get_logger(__name__)

RECONNECT_SECONDS: Final = 0.2
PULSE_SECONDS: Final = 5.0
"""How often the hub compares what it has heard with what is stored: Redis emptied, a publish that never came."""

PULSE_CHUNK: Final = 500
ACK_SECONDS: Final = 2.0

WOKEN_AT_ONCE: Final = 100
"""Viewers that are looked after in one turn of the loop, where all of them have to be."""

END_SECONDS: Final = 5.0
"""How long the end of the process waits for streams at the most; hang_up_all comes before that."""


class TooManyViewers(Exception):
    """The process has as many streams as it takes."""


class HubUnavailable(Exception):
    """Redis did not acknowledge a subscription in time."""


class _Channel:
    """A run that somebody watches here, mostly one: there are thousands of these."""

    __slots__ = ("_hub", "run_id", "unheard", "viewers")

    def __init__(self, run_id: str, hub: Hub) -> None:
        self.run_id, self._hub = run_id, hub
        self.viewers: tuple[Viewer, ...] = ()
        self.unheard: Event | None = Event()
        """Set, and then None, when Redis has acknowledged the subscription."""

    def leave(self, viewer: Viewer) -> None:
        if viewer in self.viewers:
            place = self.viewers.index(viewer)
            self.viewers = self.viewers[:place] + self.viewers[place + 1 :]
            self._hub.detached(self)


class Hub:
    """``max_viewers`` streams in all, ``queue_bytes`` waiting for each; waits are precise to ``tick`` seconds."""

    def __init__(
        self, connection: SubscriberConnection, redis: Client, *, max_viewers: int, queue_bytes: int, tick: float = 1.0
    ) -> None:
        self._connection = connection
        self._redis = redis
        self._max_viewers, self._queue_bytes, self._tick = max_viewers, queue_bytes, tick
        self._channels: dict[bytes, _Channel] = {}
        self._unsent: list[tuple[str, str]] = []
        self._unproven: dict[str, _Channel] = {}
        self._running = False
        self.viewers = 0
        self._pushed = 0
        """Events handed to viewers since they were counted last."""
        self._sampled = False

    def attach(self, run_id: str) -> Viewer:
        """A viewer, whose channel is being subscribed to; close it. Raises TooManyViewers."""
        if self.viewers >= self._max_viewers:
            raise TooManyViewers(f"this process already serves {self.viewers} streams")
        self._start_once()
        name = channel(run_id).encode()
        watched = self._channels.get(name)
        if watched is None:
            watched = self._channels[name] = _Channel(run_id, self)
            self._send("SUBSCRIBE", name)
        viewer = Viewer(self._queue_bytes, watched)
        watched.viewers += (viewer,)
        self.viewers += 1
        return viewer

    def hears(self, run_id: str) -> bool:
        """Whether all that is published from now on for this run, which has a viewer, comes here."""
        return self._channel(run_id).unheard is None

    def await_channel(self, run_id: str) -> None:
        """Wait until ``hears`` is true. Raises HubUnavailable."""
        unheard = self._channel(run_id).unheard
        if unheard is not None and not unheard.wait(ACK_SECONDS):
            raise HubUnavailable("Redis does not answer")

    def prove(self, run_id: str) -> None:
        """Soon compare the run's viewers with the log: one may have read it before its channel was heard."""
        if not self._unproven:
            gevent.spawn(self._prove_all)
        self._unproven[run_id] = self._channel(run_id)

    def _prove_all(self) -> None:
        unproven, self._unproven = self._unproven, {}
        self._compare(list(unproven.values()))

    def _channel(self, run_id: str) -> _Channel:
        return self._channels[channel(run_id).encode()]

    def detached(self, watched: _Channel) -> None:
        """One of its viewers has left."""
        self.viewers -= 1
        name = channel(watched.run_id).encode()
        if not watched.viewers and self._channels.get(name) is watched:
            del self._channels[name]
            self._send("UNSUBSCRIBE", name)

    def wake_all(self) -> None:
        """Let every stream look up: the process is draining."""
        self._look_after(self._all_viewers(), Viewer.wake)

    def hang_up_all(self) -> None:
        """Break the streams that are still there: their clients take nothing, and come back with their last id."""
        for viewer in self._all_viewers():
            viewer.hang_up()

    def join(self) -> None:
        """Until all streams have ended."""
        give_up = time.monotonic() + END_SECONDS
        while self.viewers and time.monotonic() < give_up:
            gevent.sleep(END_SECONDS / 100)

    def _look_after(self, viewers: Sequence[Viewer], how: Callable[[Viewer], None]) -> None:
        """In portions: each may be a write, and others wait for their turn."""
        for start in range(0, len(viewers), WOKEN_AT_ONCE):
            if start:
                gevent.sleep(0)
            for viewer in viewers[start : start + WOKEN_AT_ONCE]:
                how(viewer)

    def _all_viewers(self) -> list[Viewer]:
        return [viewer for watched in self._channels.values() for viewer in watched.viewers]

    def _start_once(self) -> None:
        # Lazily, and so after gunicorn's fork; no switch happens between the test and the set.
        if not self._running:
            self._running = True
            gevent.spawn(self._keep_reading)
            gevent.spawn(self._keep_comparing)
            gevent.spawn(self._keep_ticking)

    def _send(self, command: str, name: bytes) -> None:
        """With all others of this turn: viewers come and go in crowds."""
        if not self._unsent:
            gevent.spawn(self._send_all)
        self._unsent.append((command, name.decode()))

    def _send_all(self) -> None:
        unsent, self._unsent = self._unsent, []
        with suppress(OSError):  # the reader notices too, and after it has reconnected it subscribes anew
            self._connection.send_many(
                (command, *(name for _, name in some)) for command, some in groupby(unsent, itemgetter(0))
            )

    def _keep_reading(self) -> None:
        while True:
            try:
                self._connection.open()
                self._resubscribe()
                while True:
                    self._dispatch(self._connection.read())
            except (OSError, RedisError) as error:
                log.warning("hub.disconnected", error=repr(error))
            except Exception:
                log.exception("hub.crashed")  # nobody here may stop hearing for ever
            self._connection.close()
            metrics.HUB_RECONNECTS.inc()
            gevent.sleep(RECONNECT_SECONDS)

    def _resubscribe(self) -> None:
        names = [name.decode() for name in self._channels]
        self._connection.send_many([("SUBSCRIBE", *names[i : i + 500]) for i in range(0, len(names), 500)])

    def _dispatch(self, messages: list[list[bytes]]) -> None:
        arrived: dict[bytes, list[bytes]] = {}
        for message in messages:
            kind = message[0]
            if kind == b"message":
                arrived.setdefault(message[1], []).append(message[2])
            elif kind == b"subscribe" and (watched := self._channels.get(message[1])):
                self._acknowledge(watched)
        for name, events in arrived.items():
            if (watched := self._channels.get(name)) is not None:
                self._push(watched, events)

    def _push(self, watched: _Channel, events: list[bytes]) -> None:
        # One publisher numbers a run's events in the order it sends them: only the first id must be read.
        batch = Batch(event_id(events[0]), events)
        self._pushed += len(events) * len(watched.viewers)
        self._look_after(watched.viewers, lambda viewer: viewer.push(batch))
        if not self._sampled:
            self._sampled = True
            metrics.DELIVERY_LAG.observe(max(0.0, time.time() - timestamp(events[-1]) / 1000))

    def _acknowledge(self, watched: _Channel) -> None:
        if watched.unheard is None:
            self._look_after(watched.viewers, Viewer.fall_behind)
        else:
            watched.unheard.set()
            watched.unheard = None

    def _keep_ticking(self) -> None:
        """One clock for all that wait: a timer for each would cost more than the waiting itself."""
        while True:
            gevent.sleep(self._tick)
            self._connection.keep_alive()
            self._count()
            now = time.monotonic()
            self._look_after([viewer for viewer in self._all_viewers() if now >= viewer.due], Viewer.wake)

    def _count(self) -> None:
        """Once a tick: with thousands of viewers counting each event would be felt."""
        metrics.VIEWERS.set(self.viewers)
        metrics.EVENTS_DELIVERED.inc(self._pushed)
        self._pushed, self._sampled = 0, False

    def _keep_comparing(self) -> None:
        while True:
            gevent.sleep(PULSE_SECONDS)
            watched = list(self._channels.values())
            if watched and not self._is_primary():
                continue
            for start in range(0, len(watched), PULSE_CHUNK):
                self._compare(watched[start : start + PULSE_CHUNK])

    def _is_primary(self) -> bool:
        """False where Redis is away; a refused write makes all connections look for the primary again."""
        try:
            check_write(self._redis)
            return True
        except (RedisError, OSError) as error:
            log.warning("hub.compare_failed", error=repr(error))
            return False

    def _compare(self, watched: list[_Channel]) -> None:
        seen = [[(viewer, viewer.cursor) for viewer in one.viewers] for one in watched]
        try:
            pipe = self._redis.pipeline(transaction=False)
            for one in watched:
                pipe.hget(RunKeys(one.run_id).run, "last")
            stored = pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("hub.compare_failed", error=repr(error))
            return
        for viewers, last in zip(seen, stored, strict=True):
            for viewer, cursor in viewers:
                viewer.compare(cursor, None if last is None else int(last))
