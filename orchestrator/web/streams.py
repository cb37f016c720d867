"""A run as a response: server-sent events, or one page of JSON."""

from __future__ import annotations

import socket
import time
from contextlib import closing, suppress
from functools import partial
from typing import Final

import flask

from orchestrator.formats import TranslatedStream
from orchestrator.hub import Hub, Stream
from orchestrator.hub.frames import Framer, frame_data, frame_data_and_id, gap
from orchestrator.runlog import Page, RunLog
from orchestrator.web import inputs

HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
PAGE_EVENTS: Final = 500
PAGE_BYTES: Final = 1_048_576
"""Of one poll; an event that is larger comes alone."""


def event_stream(
    stream: Stream, run_id: str, said: TranslatedStream | None = None, headers: dict[str, str] | None = None
) -> flask.Response:
    """``stream``, or what is ``said`` of it. The server closes it when it has sent it, or its client is gone."""
    if (connection := flask.request.environ.get("gunicorn.socket")) is not None:
        stream.on_overdue(partial(_hang_up, connection))
    flask.g.stream = stream
    headers = {**HEADERS, "X-Run-Id": run_id, **(headers or {})}
    return flask.Response(said or stream, headers=headers, direct_passthrough=True)


def framer() -> Framer:
    return frame_data_and_id if inputs.wants_ids() else frame_data


def event_page(log: RunLog, hub: Hub, run_id: str, after: int, wait: float) -> flask.Response:
    """What is stored after ``after``, waiting up to ``wait`` seconds for something. Raises RunMissing."""
    with closing(hub.attach(run_id)) as viewer:
        viewer.due = time.monotonic() + wait
        viewer.catch_up()
        page = log.read(run_id, after, PAGE_EVENTS, PAGE_BYTES)
        while not page.events and not page.ended and time.monotonic() < viewer.due:
            viewer.wait()
            viewer.catch_up()
            page = log.read(run_id, after, PAGE_EVENTS, PAGE_BYTES)
    return flask.Response(_page_json(run_id, page, after), content_type="application/json")


def _page_json(run_id: str, page: Page, after: int) -> bytes:
    next_cursor, events = page.end if page.events else after, page.events
    if page.events and page.first > after + 1:
        events = [gap(run_id, after + 1, page.first - 1), *events]
    done = b"true" if page.ended and next_cursor >= page.last else b"false"
    return b'{"events":[%b],"next":%d,"done":%b}' % (b",".join(events), next_cursor, done)


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):  # gone meanwhile
        connection.shutdown(socket.SHUT_RDWR)
