"""What a command prints, on its way to the model and to viewers."""

from __future__ import annotations

from typing import Final

from agent.tools.base import Context
from agent.tools.excerpt import HeadAndTail

MAX_STREAMED: Final = 256 * 1024
"""Characters of one call's output that go out as events; the command itself goes on."""
MAX_EVENT: Final = 16 * 1024
"""Characters of one event: viewers that fall behind lose little."""
MAX_RESULT: Final = 16 * 1024
"""Characters of output that the model reads: about 4,000 tokens, again on every later turn."""


class Output:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._shown = HeadAndTail(MAX_RESULT)
        self._streamed = 0

    def add(self, source: str, text: str) -> None:
        """``source``: ``stdout`` or ``stderr``. Raises what ``emit`` raises."""
        self._shown.add(text)
        text = text[: MAX_STREAMED - self._streamed]
        self._streamed += len(text)
        for at in range(0, len(text), MAX_EVENT):
            chunk = text[at : at + MAX_EVENT]
            self._context.emit("tool-output", {"source": source, "chunk": chunk, "callId": self._context.call_id})

    def text(self) -> str:
        """As the model reads it."""
        return self._shown.text()
