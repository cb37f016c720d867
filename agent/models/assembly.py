"""Puts a streamed reply together from its pieces, whatever protocol they came in, and shows them as they come."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final

from agent.messages import ModelReply, Stop, ToolCall, Usage
from agent.models.reading import LONGEST_NAME, arguments, clean, plain
from agent.models.think import Piece, ThinkSplitter
from agent.protocols import Emit

MAX_REPLY: Final = 2_000_000
"""Characters of a reply, thoughts included: several times what any known model can write in one."""
MAX_CALLS: Final = 256
"""Tool calls of a reply; far more than are carried out."""


@dataclass
class _Call:
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Assembly:
    def __init__(self, emit: Emit) -> None:
        self.stop: Stop | None = None
        """None until the reply is finished."""
        self.usage: Usage | None = None
        """None where the endpoint does not say."""
        self.blocks: list[dict[str, Any]] = []
        self.has_begun = False
        self.size = 0
        """Characters that have arrived."""
        self._emit = emit
        self._splitter = ThinkSplitter()
        self._text: list[str] = []
        self._refusal = ""
        self._calls: list[_Call] = []
        self._by_key: dict[Hashable, _Call] = {}

    @property
    def is_full(self) -> bool:
        """It does not come to an end: nothing more is to be waited for."""
        return self.size >= MAX_REPLY or len(self._calls) >= MAX_CALLS

    def text(self, piece: str) -> None:
        self._show(self._splitter.feed(self._taken(piece)))

    def reasoning(self, piece: str) -> None:
        self._think(self._taken(piece))

    def refusal(self, piece: str) -> None:
        """The model's words why it will not."""
        self._refusal += self._taken(piece)
        self.stop = "refused"

    def call(self, key: Hashable, id: str, name: str, arguments: str) -> None:
        """A piece of the call at ``key``. A new ``id`` there is a new call: some endpoints number all of them 0."""
        self.has_begun = True
        call = self._by_key.get(key)
        if call is None or (id and call.id and id != call.id):
            call = self._by_key[key] = _Call(id)
            self._calls.append(call)
        call.id = call.id or id
        call.name = call.name or name
        call.arguments.append(self._taken(arguments))

    def finish(self, stop: Stop) -> None:
        self.stop = "refused" if self._refusal else stop

    def result(self, usage: Usage) -> ModelReply:
        self._show(self._splitter.rest())
        stop = self.stop or "done"
        calls: list[ToolCall] = []
        for call in self._calls:
            calls.append(_tool_call(call, {each.id for each in calls}, is_cut=stop == "length"))
        text = self._refusal or "".join(self._text)
        return ModelReply(text=text, tool_calls=calls, usage=usage, stop=stop, blocks=self.blocks)

    def _show(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if piece.is_thought:
                self._think(piece.text)
            else:
                self.has_begun = True
                self._text.append(piece.text)
                self._emit("text", piece.text)

    def _think(self, piece: str) -> None:
        if piece:
            self.has_begun = True
            self._emit("reasoning", piece)

    def _taken(self, piece: str) -> str:
        """As much of the piece as there is room for."""
        piece = clean(piece[: MAX_REPLY - self.size])
        self.size += len(piece)
        return piece


def _tool_call(call: _Call, taken: set[str], *, is_cut: bool) -> ToolCall:
    number = len(taken)
    id = plain(call.id) or f"call_{number}"
    id = f"{id[: LONGEST_NAME - 4]}_{number}" if id in taken else id
    name = plain(call.name) or "unknown"
    written = "".join(call.arguments)
    args = arguments(written or "{}")
    if args is None:
        return ToolCall(id=id, name=name, malformed=written, was_cut=is_cut)
    return ToolCall(id=id, name=name, args=args)
