"""A run's stream in another protocol: the follower's events, mapped one after another."""

from __future__ import annotations

import json
from typing import Final, Protocol

from orchestrator.formats.history import Event
from orchestrator.hub.batch import Batch
from orchestrator.hub.frames import KEEPALIVE

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


class Translated:
    """The format of a stream (see orchestrator.hub.stream) that ``mapping`` makes of its events."""

    __slots__ = ("_mapping",)

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping

    @property
    def done(self) -> bool:
        return self._mapping.done

    def begin(self, said: bytes) -> bytes:
        return self._mapping.begin() + (said or self.pause())

    def say(self, batch: Batch, cursor: int) -> bytes:
        return self._mapping.batch(
            [_event(event.decode()) for event in batch.events[max(0, cursor + 1 - batch.first) :]]
        )

    def say_alone(self, event: bytes) -> bytes:
        return self._mapping.batch([_event(event.decode())])

    def pause(self) -> bytes:
        return self._mapping.pause() or KEEPALIVE

    def cut(self) -> bytes:
        return self._mapping.cut()
