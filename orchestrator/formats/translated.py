"""A run's stream in another protocol: the same follower's frames, taken apart and mapped one event after another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, Protocol

from orchestrator.formats.history import Event
from orchestrator.hub import Stream
from orchestrator.hub.frames import KEEPALIVE

END_OF_FRAME: Final = b"\n\n"
DATA: Final = b"data: "

_event: Final = json.JSONDecoder().decode


class Mapping(Protocol):
    """One viewer's way from events to the bytes of another protocol. Opens no socket and reads no clock."""

    done: bool
    """Nothing more is to be said, although the run may go on."""

    def begin(self) -> bytes: ...

    def batch(self, events: list[Event]) -> bytes:
        """Events that arrived together, in order; a ``gap`` may be among them."""
        ...

    def pause(self) -> bytes:
        """Said where nothing has come for a while."""
        ...

    def cut(self) -> bytes:
        """Said last where the stream ends before the run does: this process stops."""
        ...


class TranslatedStream:
    """What ``mapping`` makes of ``stream``'s events. ``close`` it."""

    def __init__(self, stream: Stream, mapping: Mapping) -> None:
        self._stream, self._mapping = stream, mapping

    def close(self) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[bytes]:
        mapping, is_first, buffer = self._mapping, True, b""
        for chunk in self._stream:
            *frames, buffer = (buffer + chunk).split(END_OF_FRAME)
            events = [_event(frame[len(DATA) :].decode()) for frame in frames if frame.startswith(DATA)]
            said = mapping.batch(events) if events else mapping.pause()
            if is_first:
                said, is_first = mapping.begin() + said, False
            yield said or KEEPALIVE
            if mapping.done:
                return
        yield mapping.cut()
