"""Making a long conversation shorter. Pure, and without a model: nothing is paid, invented or lost in the middle.

Old turns lose what is bulky in them, the results of tools and the files in their arguments; where that is not enough
the oldest become one line each. Calls and their results stay together. The opening is never touched, and what the user
has said stays word for word.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Final

from agent.messages import Message, ToolCall

BYTES_PER_TOKEN: Final = 3.5
"""Of code and English as tokenizers cut them; counting a few too many is the safe side."""
WHOLE_TURNS: Final = 4
"""The latest turns, which stay as they are: what the model is working on."""
OLD_TEXT: Final = 400
"""Characters left of a result, an argument or an answer in an old turn."""
LISTED_SHARE: Final = 8
"""An eighth of the room goes to naming what was dropped, one line for each call, the latest ones …"""
MAX_LINE: Final = 120
"""… of so many characters."""

LEFT_OUT: Final = "[… {count} characters left out here to save room; look again if you need them …]"
DROPPED: Final = "(Earlier in this run, shortened to save room:\n"
DROPPED_END: Final = "\n)\n\n"

Turns = list[list[Message]]


def tokens(messages: Sequence[Message]) -> int:
    """About how many tokens ``messages`` are."""
    return int(sum(map(_size, messages)) / BYTES_PER_TOKEN)


def compacted(messages: Sequence[Message], target: int) -> list[Message]:
    """``messages`` in about ``target`` tokens, or in as few as it can be."""
    opening = list(takewhile(lambda message: message.role in ("system", "user"), messages))
    turns = _turns(messages[len(opening) :])
    for whole in range(min(WHOLE_TURNS, len(turns)), -1, -1):
        cut = len(turns) - whole
        short = [[_shortened(message) for message in turn] for turn in turns[:cut]]
        kept = [*short, *turns[cut:]]
        dropped = _to_drop(kept, cut, target - tokens(opening))
        begun = _remembering(opening, turns[:dropped])
        candidate = [*begun, *_told(turns[:dropped], kept[dropped:], target // LISTED_SHARE)]
        if tokens(candidate) <= target:
            break
    return candidate


def _to_drop(turns: Turns, most: int, room: int) -> int:
    """How many of the oldest turns have to go, up to ``most``; the very last one always stays."""
    sizes = [tokens(turn) for turn in turns]
    if sum(sizes) <= room:
        return 0
    dropped, left = 0, sum(sizes) + room // LISTED_SHARE
    while left > room and dropped < min(most, len(turns) - 1):
        left -= sizes[dropped] - _said(turns[dropped])
        dropped += 1
    return dropped


def _remembering(opening: list[Message], dropped: Turns) -> list[Message]:
    """The opening, followed by what the user has said in the turns that are dropped."""
    said = [message.said for turn in dropped for message in turn if message.said]
    if not said or not opening:
        return opening
    *before, last = opening
    return [*before, last.model_copy(update={"said": "\n\n".join([*filter(None, [last.said]), *said])})]


def _said(turn: list[Message]) -> int:
    """About how many tokens of the turn stay, whatever happens to the rest."""
    return math.ceil(sum(len(message.said.encode()) for message in turn) / BYTES_PER_TOKEN)


def _told(dropped: Turns, kept: Turns, room: int) -> list[Message]:
    """What is kept, beginning with the names of what is dropped, in ``room`` tokens."""
    messages = [message for turn in kept for message in turn]
    if not dropped:
        return messages
    lines: deque[str] = deque()
    for line in reversed([line for turn in dropped for line in _lines(turn)]):
        room -= tokens([Message(role="user", content=line)])
        if room < 0:
            break
        lines.appendleft(line)
    told = DROPPED + "\n".join(lines) + DROPPED_END if lines else ""
    first = messages[0]
    return [first.model_copy(update={"content": told + first.content}), *messages[1:]]


def _turns(messages: Sequence[Message]) -> Turns:
    """Each begins with the model's answer and holds what followed it."""
    turns: Turns = []
    for message in messages:
        if message.role == "assistant" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def _shortened(message: Message) -> Message:
    calls = [call.model_copy(update={"args": _short(call.args), "malformed": None}) for call in message.tool_calls]
    told, end, content = message.content.rpartition(DROPPED_END)  # which is short already
    return message.model_copy(update={"content": told + end + _short(content), "tool_calls": calls})


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value]
    if not isinstance(value, str) or len(value) <= OLD_TEXT + len(LEFT_OUT):
        return value
    half = OLD_TEXT // 2
    return f"{value[:half]}\n{LEFT_OUT.format(count=len(value) - OLD_TEXT)}\n{value[-half:]}"


def _lines(turn: list[Message]) -> list[str]:
    answer = turn[0]
    said = [line for line in answer.content.splitlines() if line.startswith("- ")]  # of turns dropped before
    return [*said, *(f"- {_named(call)}" for call in answer.tool_calls)]


def _named(call: ToolCall) -> str:
    text = f"{call.name} {json.dumps(call.args, ensure_ascii=False)}"
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"


def _size(message: Message) -> int:
    return len(
        message.model_dump_json(include={"content", "tool_calls", "blocks", "said"}, exclude_defaults=True).encode()
    )
