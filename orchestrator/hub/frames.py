"""Server-sent events as bytes, from events as bytes. Nothing here parses JSON: places in an event are fixed.

An event is ``{"id":N,"runId":"…","type":"…",…}``; see orchestrator.events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from orchestrator.events import dumps, encode_body, encode_head

KEEPALIVE: Final = b": keepalive\n\n"
OPENING: Final = b": connected\n\n"
_ID_STARTS: Final = len('{"id":')
_TYPE: Final = b',"type":"'
_TERMINAL: Final = (b'complete"', b'error"')
_TIMESTAMP: Final = b'"timestamp":'

Framer = Callable[[int, Iterable[bytes]], bytes]
"""Turns the events with ids ``first``, ``first + 1`` … into the bytes of their frames."""


def event_id(event: bytes) -> int:
    return int(event[_ID_STARTS : event.index(b",", _ID_STARTS)])


def timestamp(event: bytes) -> int:
    """In ms since the epoch. It follows the data, in which an unescaped quote can end no string."""
    start = event.rindex(_TIMESTAMP) + len(_TIMESTAMP)
    return int(event[start : event.index(b",", start)])


def is_terminal(event: bytes) -> bool:
    """Whether it ends its run. The type follows the run's id, which holds no quote."""
    return event.startswith(_TERMINAL, event.index(_TYPE, _ID_STARTS) + len(_TYPE))


def frame_data(first: int, events: Iterable[bytes]) -> bytes:
    """``data: …`` and nothing else: what the existing frontends take."""
    joined = b"\n\ndata: ".join(events)
    return b"data: " + joined + b"\n\n" if joined else b""


def frame_data_and_id(first: int, events: Iterable[bytes]) -> bytes:
    """For EventSource and its like. The id comes last, so that a frame that was cut is never taken for seen."""
    return b"".join([b"data: %b\nid: %d\n\n" % (event, id) for id, event in enumerate(events, first)])


def gap(run_id: str, first: int, last: int) -> bytes:
    """Says that the log no longer has the ids ``first`` to ``last``; an event without an id of its own."""
    data = {"fromId": first, "toId": last}
    return f'{{{encode_head(run_id, "gap")},"data":{dumps(data)}}}'.encode()


def lost(run_id: str, next_id: int) -> bytes:
    """The end of a run that is no longer stored, as a terminal event that no log has."""
    body = encode_body(run_id, "error", "The run is no longer stored: Redis was emptied.", "", 0, {"code": "lost"})
    return f'{{"id":{next_id},{body}'.encode()
