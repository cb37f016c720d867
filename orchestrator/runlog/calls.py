"""Calls the server-side scripts: one call is one round trip on the keys of one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.script import Script

SCRIPTS: Final = (
    *("create", "claim", "begin", "append", "commit", "retry", "rest", "move", "note", "end", "read"),
    *("say", "hear", "ask", "answer", "remove", "past", "adopt"),
)
ALLOWED_OOM: Final = ("claim", "begin", "move", "end", "hear", "read", "past", "remove")
"""A run must be taken, ended, read and removed even where Redis is full."""


NO_STEP: Final = ""
"""The step of what belongs to none: the first status, the terminal event."""

MOST_KNOWN: Final = 1_024
"""Runs whose names are kept at hand: more than a process has at work."""


class Scripts:
    """``limits`` are the numbers that every script is given, in the order of ``_run.lua``."""

    def __init__(self, redis: Client, *limits: int) -> None:
        self._limits = [str(limit) for limit in limits]
        self._scripts = {name: Script(redis, name, allow_oom=name in ALLOWED_OOM) for name in SCRIPTS}

    def call(self, name: str, run_id: str, step: str, *args: Any, more_keys: Sequence[str] = ()) -> list[Any]:
        """The script's reply. Raises LogFull and redis' errors."""
        keys, channel = _names(run_id)
        reply: list[Any] = self._scripts[name]([*keys, *more_keys], [channel, *self._limits, step, *args])
        return reply


@lru_cache(MOST_KNOWN)
def _names(run_id: str) -> tuple[list[str], str]:
    keys = RunKeys(run_id)
    return keys.all, keys.channel


def flat(mapping: Mapping[str, Any]) -> list[Any]:
    """Its fields and values in turns, as Redis takes them."""
    return [part for pair in mapping.items() for part in pair]
