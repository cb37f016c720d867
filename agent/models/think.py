"""Takes ``<think>…</think>`` out of streamed text. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

OPENS: Final = re.compile(r"(?<![`'\"\w])<think(?:ing)?>\s*")
CLOSES: Final = re.compile(r"\s*</think(?:ing)?>\s*")
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
        self._held += piece
        pieces = []
        while match := self._tag().search(self._before + self._held, len(self._before)):
            start, end = match.start() - len(self._before), match.end() - len(self._before)
            pieces.append(self._piece(self._held[:start]))
            self._held, self._before = self._held[end:], ""
            self._is_thought = not self._is_thought
        pieces.append(self._piece(self._release()))
        return [piece for piece in pieces if piece.text]

    def rest(self) -> list[Piece]:
        """What was held back, at the end of the stream."""
        held, self._held = self._held, ""
        return [self._piece(held)] if held else []

    def _tag(self) -> re.Pattern[str]:
        return CLOSES if self._is_thought else OPENS

    def _release(self) -> str:
        """All but what may turn out to be the beginning of a tag."""
        at = self._held.rfind("<", -LONGEST_TAG)
        is_possible = at >= 0 and "</thinking>".startswith(self._held[at:].replace("<t", "</t", 1))
        kept = self._held[at:] if is_possible else ""
        free = self._held[: len(self._held) - len(kept)]
        self._held = kept
        return free

    def _piece(self, text: str) -> Piece:
        self._before = text[-1:] or self._before
        return Piece(text, self._is_thought)
