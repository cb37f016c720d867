"""A parked stream against a socket that takes what it likes, without gunicorn and Redis."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Iterator
from functools import cache

import gevent
import pytest
from gevent.event import Event
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from orchestrator.access import RunOwner
from orchestrator.drain import Drain
from orchestrator.events import encode_body
from orchestrator.hub import stream
from orchestrator.hub.batch import Batch
from orchestrator.hub.frames import KEEPALIVE, frame_data
from orchestrator.hub.parking import Parking
from orchestrator.hub.stream import Frames, Sources, Stream
from orchestrator.hub.viewer import Viewer
from orchestrator.runlog import Page
from tools.processes import wait_until

RUN = "run_1"
LIMIT = 1_000_000
LARGE = 900_000
"""Bytes; more than a pair of sockets holds, and less than may wait."""


@cache  # each has the time at which it was made
def event(number: int, type: str = "text", data: str = "x") -> bytes:
    return f'{{"id":{number},{encode_body(RUN, type, data, "model-1", 0)}'.encode()


class Connection:
    def __init__(self, ours: socket.socket, is_chunked: bool) -> None:
        self.descriptor, self.is_chunked = ours.detach(), is_chunked
        self.ended: list[bool] = []

    def end(self, whole: bool) -> None:
        self.ended.append(whole)
        os.close(self.descriptor)


class StoredPages:
    """What would be read from the log."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.answers = Event()
        self.answers.set()
        self.refused: Exception | None = None

    def read(self, run_id: str, after: int) -> tuple[Page, Batch]:
        self.answers.wait()
        if self.refused is not None:
            raise self.refused
        events = self.events[after:]
        page = Page("running", len(self.events), after + 1, RunOwner("a", "p"), events)
        return page, Batch(after + 1, events)


class Place:
    """A stream that has begun at id 1, its connection, and the client at the other end."""

    def __init__(self, is_chunked: bool = False) -> None:
        self.pages, self.drain, self.left = StoredPages(), Drain(1), 0
        self.pages.events = [event(1)]
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.client.settimeout(0)
        self.connection = Connection(ours, is_chunked)
        self.viewer = Viewer(LIMIT, self)
        sources = Sources(self.pages, Parking(), self.drain, 600)  # type: ignore[arg-type]  # as far as it is used
        self.stream = Stream(sources, self.viewer, RUN, 1, Frames(frame_data), self.pages.read(RUN, 1))
        self.viewer.catch_up()
        self.stream.begin()

    def park(self) -> Place:
        self.stream.park(self.connection)
        return self

    def leave(self, viewer: Viewer) -> None:
        self.left += 1

    def publish(self, *events: bytes) -> None:
        first = len(self.pages.events) + 1
        self.pages.events += events
        self.viewer.push(Batch(first, list(events)))

    def received(self) -> bytes:
        """All that is there, the loop having had its turns."""
        data, silent = b"", 0
        while silent < 3:
            gevent.sleep(0.001)
            try:
                more = self.client.recv(1 << 20)
            except BlockingIOError:
                more = b""
            data, silent = data + more, 0 if more else silent + 1
        return data


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    made = Place(*getattr(request, "param", ())).park()
    yield made
    made.client.close()


def test_what_the_system_will_not_watch_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a user may watch no more descriptors. The viewer and the descriptor stayed for ever."""

    def refuse(parking: Parking, descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no more watches")

    monkeypatch.setattr(Parking, "_look_at", refuse)
    refused = Place()
    with pytest.raises(OSError, match="no more watches"):
        refused.park()
    assert refused.left == 1
    assert refused.connection.ended == [False]
    refused.client.close()


def test_what_has_come_is_sent_in_the_same_turn(place: Place) -> None:
    place.publish(event(2), event(3))
    assert place.client.recv(10_000) == frame_data(2, [event(2), event(3)])


@pytest.mark.parametrize("place", [(True,)], indirect=True)
def test_chunks_and_the_end_of_a_whole_stream(place: Place) -> None:
    place.publish(event(2))
    place.publish(event(3, "complete"))
    first, last = frame_data(2, [event(2)]), frame_data(3, [event(3, "complete")])
    sent = b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(first), first, len(last), last)
    assert place.received() == sent
    assert place.connection.ended == [True] and place.left == 1


def test_what_a_socket_does_not_take_is_bounded_and_comes_later(place: Place) -> None:
    """Without the bound in Viewer.push all of it waited; without Parked.flush nothing followed the first bytes."""
    sent = [event(2, data="a" * LARGE)]
    place.publish(*sent)
    for number in range(3, 100):
        sent.append(event(number, data="b" * 50_000))
        place.publish(sent[-1])
        assert sum(batch.size for batch in place.viewer.batches) <= LIMIT
    assert place.viewer.behind
    assert place.received() == frame_data(2, sent)
    assert not place.viewer.behind
    place.publish(event(100))
    assert place.received() == frame_data(100, [event(100)])


def test_heartbeats_wait_for_what_is_on_its_way(place: Place) -> None:
    place.publish(large := event(2, data="a" * LARGE))
    place.viewer.due = 0
    for _ in range(3):
        place.viewer.wake()
    assert place.received() in (frame_data(2, [large]), frame_data(2, [large]) + KEEPALIVE)


def test_one_that_waits_for_redis_hears_that_it_is_still_there(place: Place) -> None:
    """Where Redis hangs, a proxy in between would take the silence for the end; and bytes stay in their order."""
    place.pages.answers.clear()
    place.viewer.fall_behind()
    for _ in range(2):
        place.viewer.due = 0
        place.viewer.wake()
    assert place.received() == 2 * KEEPALIVE
    place.pages.events.append(event(2))
    place.pages.answers.set()
    assert place.received() == frame_data(2, [event(2)])


@pytest.mark.parametrize("place", [(True,)], indirect=True)
def test_the_end_of_the_process_does_not_wait_for_redis(place: Place) -> None:
    place.pages.answers.clear()
    place.viewer.fall_behind()
    place.received()
    place.drain.start()
    place.viewer.wake()
    assert place.received() == b"0\r\n\r\n"
    assert place.connection.ended == [True]
    place.pages.answers.set()
    assert place.received() == b""


@pytest.mark.parametrize("refused", [ResponseError("BUSY Redis is busy running a script."), RedisConnectionError()])
def test_what_redis_refuses_for_a_while_is_asked_for_again(
    place: Place, refused: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", gevent.sleep)
    monkeypatch.setattr(stream, "RETRY_SECONDS", 0.005)
    place.pages.refused = refused
    place.viewer.fall_behind()
    assert place.received() == b""
    place.pages.refused = None
    place.pages.events.append(event(2))
    wait_until(lambda: place.received() == frame_data(2, [event(2)]), 5, "the event")


@pytest.mark.parametrize("gone", [socket.SHUT_WR, socket.SHUT_RDWR])
def test_who_has_gone_leaves_at_once(place: Place, gone: int) -> None:
    place.client.shutdown(gone)
    place.received()
    assert place.connection.ended == [False] and place.left == 1


def test_what_a_client_sends_wakes_nobody(place: Place) -> None:
    place.received()
    place.client.send(b"x" * 10_000)
    place.received()
    assert place.connection.ended == []
    place.publish(event(2))
    assert place.received() == frame_data(2, [event(2)])


def test_the_end_of_the_process_is_said_after_what_was_begun(place: Place) -> None:
    place.publish(large := event(2, data="a" * LARGE))
    place.drain.start()
    place.viewer.wake()
    assert place.connection.ended == []
    assert place.received() == frame_data(2, [large])
    assert place.connection.ended == [True]


def test_one_that_takes_nothing_is_hung_up_on(place: Place) -> None:
    place.publish(event(2, data="a" * LARGE))
    place.viewer.hang_up()
    place.viewer.hang_up()
    assert place.connection.ended == [False] and place.left == 1


def test_a_stream_that_breaks_takes_no_other_with_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Batch, "after")
    place.publish(event(2))
    assert place.connection.ended == [False] and place.left == 1
