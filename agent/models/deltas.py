"""Putting a streamed reply together from its pieces."""

from __future__ import annotations

import json
from dataclasses import dataclass

from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from agent.messages import ModelReply, ToolCall, Usage


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""

    def result(self, index: int) -> ToolCall:
        id = self.id or f"call_{index}"
        try:
            args = json.loads(_clean(json.dumps(json.loads(self.arguments or "{}"), ensure_ascii=False)))
        except (ValueError, RecursionError):
            args = None
        if not isinstance(args, dict):
            return ToolCall(id=id, name=self.name, malformed=_clean(self.arguments))
        return ToolCall(id=id, name=self.name, args=args)


class Accumulator:
    def __init__(self) -> None:
        self.is_finished = False
        self._text = ""
        self._calls: dict[int, _Call] = {}
        self._usage = Usage()

    def add(self, chunk: ChatCompletionChunk) -> str:
        """Take one chunk; returns the text that it adds."""
        if chunk.usage is not None:
            self._usage = Usage(
                input_tokens=chunk.usage.prompt_tokens or 0, output_tokens=chunk.usage.completion_tokens or 0
            )
        if not chunk.choices:
            return ""  # the last chunk holds only the usage
        choice = chunk.choices[0]
        self.is_finished = self.is_finished or choice.finish_reason is not None
        for piece in choice.delta.tool_calls or ():
            self._add_call(piece)
        text = _clean(choice.delta.content or "")
        self._text += text
        return text

    def result(self) -> ModelReply:
        calls = [call.result(index) for index, call in sorted(self._calls.items())]
        return ModelReply(text=self._text, tool_calls=calls, usage=self._usage)

    def _add_call(self, piece: ChoiceDeltaToolCall) -> None:
        call = self._calls.setdefault(piece.index, _Call())
        call.id = call.id or piece.id or ""
        if piece.function is not None:
            call.name = call.name or piece.function.name or ""
            call.arguments += piece.function.arguments or ""


def _clean(text: str) -> str:
    """Half a surrogate pair is legal in JSON, but not in UTF-8."""
    return text.encode(errors="replace").decode()
