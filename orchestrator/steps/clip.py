"""Cuts what is too large for one event: a viewer must never be dropped for a message's size."""

from __future__ import annotations

from typing import Any

from orchestrator.events import dumps


def clip_event(type: str, data: Any, max_bytes: int) -> tuple[Any, dict[str, Any]]:
    """The data of an event so that it fits, and what stands beside it: ``truncated: true`` where it was cut.

    Most objects say so themselves; a string cannot, and a key more in ``files`` would be a file.
    """
    says_so = isinstance(data, dict) and type != "files"
    clipped = clip(data, max_bytes, mark=says_so)
    return clipped, {"truncated": True} if clipped is not data and not says_so else {}


def clip(data: Any, max_bytes: int, *, mark: bool = True) -> Any:
    """``data`` unchanged where its JSON fits, else with its long strings cut, an object with ``truncated: true``."""
    if _fits(data, max_bytes):
        return data
    budget = max_bytes
    while budget > 1:
        budget //= 2
        smaller = _cut(data, budget)
        if mark and isinstance(smaller, dict):
            smaller["truncated"] = True
        if _fits(smaller, max_bytes):
            return smaller
    return {"truncated": True} if mark else {}


def _fits(data: Any, max_bytes: int) -> bool:
    if isinstance(data, str) and len(data) * 6 < max_bytes:  # six bytes are the longest escape of a character
        return True
    if _least(data) > max_bytes:  # which is seen at once; to write it out takes long where it is much
        return False
    return len(dumps(data).encode("utf-8", "surrogatepass")) <= max_bytes


def _least(data: Any) -> int:
    """Bytes that it takes at the least."""
    if isinstance(data, str):
        return len(data)
    if isinstance(data, dict):
        return sum(len(name) + _least(value) for name, value in data.items())
    return sum(map(_least, data)) if isinstance(data, list) else 0


def _cut(data: Any, budget: int) -> Any:
    if isinstance(data, str):
        return data if len(data) <= budget else data[:budget] + "…"
    if isinstance(data, dict):
        return {name: _cut(value, budget) for name, value in data.items()}
    if isinstance(data, list):
        return [_cut(value, budget) for value in data]
    return data
