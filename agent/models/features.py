"""What an endpoint may lack, how its refusal tells, and what a viewer reads about it. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

Name = Literal["stream_options", "parallel", "max_tokens", "stream", "system", "cache", "tools"]
Lacks = frozenset[Name]


class Feature(NamedTuple):
    name: Name
    sign: re.Pattern[str]
    words: str
    """What is done without it."""


def _feature(name: Name, sign: str, words: str) -> Feature:
    return Feature(name, re.compile(sign, re.IGNORECASE), words)


# In this order: a refusal of parallel calls speaks of tools, one of stream_options of streaming.
FEATURES: Final = (
    _feature("stream_options", r"stream.?options|include.?usage", "it does not count tokens; they are estimated"),
    _feature(
        "parallel",
        r"parallel|(single|one|multiple|more than one) tool.?calls?",
        "it takes one tool call at a time",
    ),
    _feature("max_tokens", r"max.?(completion.?|output.?)?tokens", "it sets the longest reply itself"),
    _feature("cache", r"cache.?control|prompt.?cach", "it does not cache"),
    _feature("stream", r"\bstream(s|ed|ing)?\b", "it does not stream: answers come whole"),
    _feature("system", r"\bsystem\b|developer", "it takes no system message: the user's begins with it"),
    _feature("tools", r"\btools?\b|tool.?(use|call|choice)|function", "it takes no tools: calls are written as text"),
)
WORDS: Final = {feature.name: feature.words for feature in FEATURES}

REFUSED: Final = re.compile(
    r"support|unknown|unrecogni[sz]ed|unexpected|extra|not (permitted|allowed|available|enabled|implemented)|invalid"
    r"|disabled|does ?n[o']t|can ?n[o']t|only|requires?|too (large|many|high)|must be|verified|maximum|at once",
    re.IGNORECASE,
)
REFUSING_STATUSES: Final = frozenset({400, 404, 405, 415, 422, 500, 501})
"""Some servers answer 500 to a parameter that they do not know."""

OVERFLOW: Final = re.compile(
    r"context.?(length|window|size|limit)|maximum context|prompt is too long|too many (input )?tokens|input is too long"
    r"|reduce the length|exceeds? the (maximum|model)",
    re.IGNORECASE,
)


def missing(status: int, message: str, lacks: Lacks) -> Name | None:
    """The feature that a refusal is about, unless it is done without already."""
    if status not in REFUSING_STATUSES or not REFUSED.search(message):
        return None
    found = [feature.name for feature in FEATURES if feature.name not in lacks and feature.sign.search(message)]
    if is_overflow(message):
        return "max_tokens" if "max_tokens" in found else None
    return found[0] if found else None


def is_overflow(message: str) -> bool:
    """Whether a refusal says that the messages are too long for the model."""
    return bool(OVERFLOW.search(message))
