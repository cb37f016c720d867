"""Takes ``<think>…</think>`` out of streamed text. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

OPENS: Final = re.compile(r"(?<![`'\"\w])<think(?:ing)?>\s*")
CLOSES: Final = re.compile(r"</think(?:ing)?>\s*")
LONGEST_TAG: Final = len("</thinking>")


class Piece(NamedTuple):
    text: str
    is_thought: bool


class ThinkSplitter:
    """Feed it the pieces as they come; a tag may be cut anywhere. A tag in quotes is text about tags."""

    def __init__(self) -> None:
        self._held = ""
        self._before = ""
        self._is_thought = False

    def feed(self, piece: str) -> list[Piece]:
        text, at = self._before + self._held + piece, len(self._before)
        pieces = []
        while match := self._tag().search(text, at):
            said = text[at : match.start()]
            pieces.append(Piece(said.rstrip() if self._is_thought else said, self._is_thought))
            at, self._is_thought = match.end(), not self._is_thought
        end = len(text) - _possible(text[at:])
        pieces.append(Piece(text[at:end], self._is_thought))
        self._before, self._held = text[max(0, end - 1) : end], text[end:]
        return [piece for piece in pieces if piece.text]

    def rest(self) -> list[Piece]:
        """What was held back, at the end of the stream."""
        held, self._held = self._held, ""
        return [Piece(held, self._is_thought)] if held else []

    def _tag(self) -> re.Pattern[str]:
        return CLOSES if self._is_thought else OPENS


def _possible(text: str) -> int:
    """How many characters of its end may turn out to be the beginning of a tag."""
    tail = text[-LONGEST_TAG:]
    at = tail.rfind("<")
    is_possible = at >= 0 and "</thinking>".startswith(tail[at:].replace("<t", "</t", 1))
    return len(tail) - at if is_possible else 0
