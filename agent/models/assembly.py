"""Puts a streamed reply together from its pieces, whatever protocol they came in, and shows them as they come."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Final

from agent.messages import ModelReply, Stop, ToolCall, Usage
from agent.models.think import Piece, ThinkSplitter
from agent.protocols import Emit

NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
"""Providers refuse a history with other characters in ids and names, whoever made them up."""
LONGEST_NAME: Final = 64


@dataclass
class _Call:
    id: str
    name: str
    arguments: str = ""


class Assembly:
    def __init__(self, emit: Emit) -> None:
        self.stop: Stop | None = None
        """None until the reply is finished."""
        self.usage: Usage | None = None
        """None where the endpoint does not say."""
        self.blocks: list[dict[str, Any]] = []
        self.has_begun = False
        self._emit = emit
        self._splitter = ThinkSplitter()
        self._text = ""
        self._refusal = ""
        self._calls: list[_Call] = []
        self._by_key: dict[Hashable, _Call] = {}

    @property
    def size(self) -> int:
        """Characters that have arrived."""
        return len(self._text) + len(self._refusal) + sum(len(call.arguments) for call in self._calls)

    def text(self, piece: str) -> None:
        self._show(self._splitter.feed(_clean(piece)))

    def reasoning(self, piece: str) -> None:
        if piece := _clean(piece):
            self.has_begun = True
            self._emit("reasoning", piece)

    def refusal(self, piece: str) -> None:
        """The model's words why it will not."""
        self._refusal += _clean(piece)
        self.stop = "refused"

    def call(self, key: Hashable, id: str, name: str, arguments: str) -> None:
        """A piece of the call at ``key``. A new ``id`` there is a new call: some endpoints number all of them 0."""
        self.has_begun = True
        call = self._by_key.get(key)
        if call is None or (id and call.id and id != call.id):
            call = self._by_key[key] = _Call(id, "")
            self._calls.append(call)
        call.id = call.id or id
        call.name = call.name or name
        call.arguments += arguments

    def finish(self, stop: Stop) -> None:
        self.stop = "refused" if self._refusal else stop

    def result(self, usage: Usage) -> ModelReply:
        self._show(self._splitter.rest())
        stop = self.stop or "done"
        calls: list[ToolCall] = []
        for call in self._calls:
            calls.append(_tool_call(call, {each.id for each in calls}, is_cut=stop == "length"))
        text = self._refusal or self._text
        return ModelReply(text=text, tool_calls=calls, usage=usage, stop=stop, blocks=self.blocks)

    def _show(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if piece.is_thought:
                self.reasoning(piece.text)
            else:
                self.has_begun = True
                self._text += piece.text
                self._emit("text", piece.text)


def _tool_call(call: _Call, taken: set[str], *, is_cut: bool) -> ToolCall:
    number = len(taken)
    id = NOT_IN_NAMES.sub("_", call.id)[:LONGEST_NAME] or f"call_{number}"
    id = f"{id[: LONGEST_NAME - 4]}_{number}" if id in taken else id
    name = NOT_IN_NAMES.sub("_", call.name)[:LONGEST_NAME] or "unknown"
    args = _parsed(call.arguments)
    if args is None:
        return ToolCall(id=id, name=name, malformed=_clean(call.arguments), was_cut=is_cut)
    return ToolCall(id=id, name=name, args=args)


def _parsed(arguments: str) -> dict[str, Any] | None:
    try:
        args = json.loads(_clean(json.dumps(json.loads(arguments or "{}"), ensure_ascii=False)))
    except (ValueError, RecursionError):
        return None
    return args if isinstance(args, dict) else None


def _clean(text: str) -> str:
    """Half a surrogate pair is legal in JSON, but not in UTF-8."""
    return text.encode(errors="replace").decode()
