"""What the model and the viewer are told about the workspace itself, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.entries import LeftOut
from agent.workspace import Restored

MAX_LINES: Final = 20

RETRIED: Final = (
    "Note: an earlier attempt of this call was interrupted. The files were put back first, but the command may have "
    "run before, in whole or in part."
)


def beside(result: str, restored: Restored, left_out: Sequence[LeftOut]) -> str:
    """A tool's result, and below it what happened to the workspace."""
    said: list[str] = []
    if restored.gone:
        said.append(_gone_for_model(restored.gone))
    if restored.stopped:
        said.append(f"Note: {stopped(restored.stopped)} Start it again if you need it.")
    if left_out:
        said.append(not_kept(left_out))
    return "\n\n".join([result.rstrip("\n"), *said]) if said else result


def not_kept(items: Sequence[LeftOut]) -> str:
    return "Not kept (not in the result, and lost with this machine):\n" + _listed(items)


def gone(items: Sequence[LeftOut]) -> str:
    return "Was not kept and is not there any more:\n" + _listed(items)


def stopped(handles: Sequence[str]) -> str:
    return f"The files were put back after an interrupted call; stopped for that: {', '.join(handles)}."


def _gone_for_model(items: Sequence[LeftOut]) -> str:
    return f"Note: the workspace was put back from what is kept. {gone(items)}\nMake it again if you need it."


def _listed(items: Sequence[LeftOut]) -> str:
    lines = [f"- {item.path}{_amount(item)}: {item.reason}" for item in items[:MAX_LINES]]
    if rest := items[MAX_LINES:]:
        lines.append(f"- and {sum(item.count for item in rest):,} more, {size(sum(item.size for item in rest))}")
    return "\n".join(lines)


def _amount(item: LeftOut) -> str:
    parts = [f"{item.count:,} entries"] if item.path.endswith("*") else []
    if item.size:
        parts.append(size(item.size))
    return f" ({', '.join(parts)})" if parts else ""


def size(number: float) -> str:
    """Bytes as people read them: ``3.0 MB``."""
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "bytes" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
