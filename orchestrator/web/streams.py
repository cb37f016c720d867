"""A run as a response: server-sent events, or one page of JSON."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Final

import flask
from gevent import GreenletExit
from werkzeug.datastructures import Headers

from orchestrator.drain import Drain
from orchestrator.hub import Hub, Stream, Waiter
from orchestrator.hub.frames import Framer, frame_data, frame_data_and_id, gap
from orchestrator.hub.stream import Format
from orchestrator.runlog import Page, RunLog
from orchestrator.web import inputs
from orchestrator.web.connection import TimedSocket
from orchestrator.web.headers import STREAM
from orchestrator.web.here import here, this_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SLICE: Final = 65_536
"""Bytes given to the server at a time: it copies what it sends, and pages are shared by streams as they are."""

PAGE_EVENTS: Final = 500
PAGE_BYTES: Final = 1_048_576
"""Of one poll; an event that is larger comes alone."""


class Left(GreenletExit):
    """The stream has left its request; gunicorn's gevent worker ends the request without a word."""


class Body:
    """A stream as a WSGI server takes it. Where it is our own worker, it leaves the request once it has begun."""

    def __init__(self, stream: Stream, connection: TimedSocket | None) -> None:
        self._stream, self._connection = stream, connection
        self._has_left = False

    def __iter__(self) -> Iterator[bytes]:
        stream, viewer, waiter = self._stream, self._stream.viewer, Waiter()
        if self._connection is not None:
            waiter.hang_up = self._connection.break_off
        viewer.hold(waiter)
        yield from _slices(stream.begin())
        while not stream.ended:
            self._leave()
            if not viewer.behind:
                viewer.wait()
            if not stream.ended:
                yield from _slices(stream.turn())
        yield from _slices(stream.finish())

    def _leave(self) -> None:
        """Raises Left where the server has given the connection away."""
        left = self._connection.leave() if self._connection is not None else None
        if left is not None:
            self._has_left = True
            self._stream.park(left)
            raise Left

    def close(self) -> None:
        if not self._has_left:
            self._stream.close()


class StreamResponse(flask.Response):
    """Its headers are as they are to be, and the server is given the body as it is."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        return self.response  # type: ignore[return-value]  # bytes: a Body


def event_stream(
    stream: Stream, run_id: str, format: Format | None = None, headers: dict[str, str] | None = None
) -> flask.Response:
    """The server closes ``stream`` when it has sent it, or its client is gone."""
    if format is not None:
        stream.say_as(format)
    connection = this_request().environ.get("gunicorn.socket")
    body = Body(stream, connection if isinstance(connection, TimedSocket) else None)
    here().stream = stream
    given = {**STREAM, "X-Run-Id": run_id, **(headers or {})}
    return StreamResponse(body, headers=Headers(list(given.items())), direct_passthrough=True)


def framer() -> Framer:
    return frame_data_and_id if inputs.wants_ids() else frame_data


def event_page(log: RunLog, hub: Hub, drain: Drain, run_id: str, after: int, wait: float) -> flask.Response:
    """What is stored after ``after``, waiting up to ``wait`` seconds for something, or for the drain.

    Raises RunMissing; where it has to wait, TooManyViewers and HubUnavailable, too.
    """
    page = log.read(run_id, after, PAGE_EVENTS, PAGE_BYTES)
    if wait and not page.events and not page.ended:
        page = _await_page(log, hub, drain, run_id, after, time.monotonic() + wait)
    return flask.Response(_page_json(run_id, page, after), content_type="application/json")


def _await_page(log: RunLog, hub: Hub, drain: Drain, run_id: str, after: int, until: float) -> Page:
    with closing(hub.attach(run_id)) as viewer:
        viewer.due = until
        hub.await_channel(run_id)
        while True:
            viewer.catch_up()
            page = log.read(run_id, after, PAGE_EVENTS, PAGE_BYTES)
            if page.events or page.ended or drain.started.is_set() or time.monotonic() >= until:
                return page
            viewer.wait()


def _page_json(run_id: str, page: Page, after: int) -> bytes:
    next_cursor, events = page.end if page.events else after, page.events
    if page.events and page.first > after + 1:
        events = [gap(run_id, after + 1, page.first - 1), *events]
    done = b"true" if page.ended and next_cursor >= page.last else b"false"
    return b'{"events":[%b],"next":%d,"done":%b}' % (b",".join(events), next_cursor, done)


def _slices(said: bytes) -> Iterator[bytes]:
    if 0 < len(said) <= SLICE:
        yield said
    else:
        for start in range(0, len(said), SLICE):
            yield said[start : start + SLICE]
