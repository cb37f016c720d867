"""A run as a response: server-sent events, or one page of JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain
from typing import Final

import flask

from orchestrator.hub import Follower, Hub
from orchestrator.hub.frames import frame_data, frame_data_and_id
from orchestrator.runlog import Page, RunLog

HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
PAGE_EVENTS: Final = 500


class _Opened:
    """A stream whose first chunk is already there; closes it whether or not anybody read on."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._all = chain([next(chunks)], chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self._all

    def close(self) -> None:
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


def event_stream(follower: Follower, run_id: str, after: int, with_ids: bool) -> flask.Response:
    """Raises TooManyViewers, HubUnavailable: only what is sure to stream gets a 200."""
    chunks = follower.stream(run_id, after, frame_data_and_id if with_ids else frame_data)
    return flask.Response(_Opened(chunks), headers={**HEADERS, "X-Run-Id": run_id}, direct_passthrough=True)


def event_page(log: RunLog, hub: Hub, run_id: str, after: int, wait: float) -> flask.Response:
    """What is stored after ``after``, waiting up to ``wait`` seconds for something. Raises RunMissing."""
    give_up = time.monotonic() + wait
    with hub.attach(run_id) as viewer:
        viewer.catch_up()
        page = log.read(run_id, after, PAGE_EVENTS)
        while not page.events and not page.ended and (left := give_up - time.monotonic()) > 0:
            viewer.wait(left)
            viewer.catch_up()
            page = log.read(run_id, after, PAGE_EVENTS)
    return flask.Response(_page_json(page, after), content_type="application/json")


def _page_json(page: Page, after: int) -> bytes:
    next_cursor = page.first + len(page.events) - 1 if page.events else after
    gap = b""
    if page.events and page.first > after + 1:
        gap = b'{"type":"gap","data":{"fromId":%d,"toId":%d}},' % (after + 1, page.first - 1)
    done = b"true" if page.ended and next_cursor >= page.last else b"false"
    return b'{"events":[%b%b],"next":%d,"done":%b}' % (gap, b",".join(page.events), next_cursor, done)
