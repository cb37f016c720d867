"""What commands print: never a character that could steer the terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, Final

from agent.console import clean, harmless_json

__all__ = ["ago", "cell", "clean", "print_json", "print_table", "tokens"]

UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"))


def print_json(value: Any) -> None:
    print(harmless_json(json.dumps(value, ensure_ascii=False)), flush=True)


def cell(value: object) -> str:
    """One line, whatever it holds; nothing is a dash."""
    return " ".join(clean(str(value)).split()) if value not in (None, "") else "-"


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    cells = [[cell(value) for value in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def ago(ms: int | None) -> str:
    """How long ago that was."""
    if ms is None:
        return "-"
    seconds = max(0, int(time.time() - ms / 1000))
    return next((f"{seconds // size} {unit} ago" for size, unit in UNITS if seconds >= size), f"{seconds} s ago")


def tokens(usage: dict[str, Any] | None) -> int | None:
    """All that were paid for."""
    if usage is None:
        return None
    return sum(int(usage.get(name) or 0) for name in ("inputTokens", "outputTokens", "abandoned"))
