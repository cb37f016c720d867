"""Finds secrets that are split over two pieces of one stream, by holding back what may be the beginning of one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.redact import Redactor

HOLD_SECONDS: Final = 2.0
"""Of a stream that says nothing more: a prompt must be seen some day. Mostly these are one or two letters."""


@dataclass(frozen=True)
class _Held:
    type: str
    data: Any
    since: float


class Seams:
    """The held ends of the streams of one attempt: its text, and each source of each command."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._held: dict[Any, _Held] = {}

    def join(self, type: str, data: Any) -> Any | None:
        """The data of a streamed event without what must wait, after what has waited; None where nothing is left."""
        stream, text = _stream(type, data), _text(data)
        if (held := self._held.pop(stream, None)) is not None:
            text = _text(held.data) + text
        text = self._redact(text)
        cut = self._redact.beginning(text)
        if cut < len(text):
            since = held.since if held is not None and cut == 0 else time.monotonic()
            self._held[stream] = _Held(type, _with(data, text[cut:]), since)
        return _with(data, text[:cut]) if cut else None

    def release(self, before: float = float("inf")) -> Iterator[tuple[str, Any]]:
        """What has been held since before then, as events."""
        for stream, held in list(self._held.items()):
            if held.since <= before:
                del self._held[stream]
                yield held.type, held.data

    def patience(self) -> float | None:
        """Seconds until something has been held for long enough; None where nothing is held."""
        if not self._held:
            return None
        return max(0.0, min(held.since for held in self._held.values()) + HOLD_SECONDS - time.monotonic())


def _stream(type: str, data: Any) -> Any:
    return type if isinstance(data, str) else (type, data.get("source"), data.get("callId"))


def _text(data: Any) -> str:
    text: str = data if isinstance(data, str) else data["chunk"]
    return text


def _with(data: Any, text: str) -> Any:
    return text if isinstance(data, str) else {**data, "chunk": text}
