"""What an endpoint wrote, taken for no more than it is: arguments, counts and words of any shape. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from agent.messages import Usage

MAX_DEPTH: Final = 64
"""Objects and lists inside each other; what is deeper cannot be written out again everywhere."""
MAX_COUNT: Final = 10**12
"""Tokens; more than anybody has ever read or written in one call."""

NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]")
"""Providers refuse a history with other characters in ids and names, whoever made them up."""
LONGEST_NAME: Final = 64

GARBLED: Final = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What an SDK, and we, meet in what is not of the protocol: the SDKs do not look at what they hand over."""


def text(value: object) -> str:
    """What should be text and may be anything."""
    return clean(value) if isinstance(value, str) else ""


def clean(piece: str) -> str:
    """Half a surrogate pair is legal in JSON, but not in UTF-8."""
    return piece.encode(errors="replace").decode()


def plain(name: str) -> str:
    """A name or an id as every provider takes it back."""
    return NOT_IN_NAMES.sub("_", name[:LONGEST_NAME])


def arguments(written: str) -> dict[str, Any] | None:
    """The object that ``written`` is in JSON; None where it is none, or one that other readers would refuse."""
    try:
        # Python alone writes NaN and reads 1e400, which is the same as Infinity.
        args = json.loads(clean(json.dumps(json.loads(written), ensure_ascii=False, allow_nan=False)))
    except (ValueError, RecursionError):
        return None
    return args if isinstance(args, dict) and not _is_deeper(args, MAX_DEPTH) else None


def usage(read: object, wrote: object, cached: object) -> Usage | None:
    """None where what should be counts are none; no count is 0, and not more can be cached than was read."""
    counts = [_count(read), _count(wrote), _count(cached)]
    if None in counts:
        return None
    first, second, third = (count or 0 for count in counts)
    return Usage(input_tokens=first, output_tokens=second, cached_tokens=min(first, third))


def _count(value: object) -> int | None:
    if value is None:
        return 0
    is_count = isinstance(value, int | float) and 0 <= value <= MAX_COUNT  # which NaN is not
    return int(value) if is_count else None  # type: ignore[call-overload]


def _is_deeper(value: Any, most: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return most < 0 or any(_is_deeper(item, most - 1) for item in inside)
