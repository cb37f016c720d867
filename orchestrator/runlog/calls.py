"""Calls the server-side scripts: one call is one round trip on the keys of one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.script import Script

SCRIPTS: Final = (
    *("create", "claim", "begin", "append", "commit", "retry", "rest", "move", "note", "end", "read"),
    *("say", "hear", "ask", "answer", "remove", "past", "adopt"),
)
ALLOWED_OOM: Final = ("claim", "begin", "move", "end", "hear")
"""A run must be taken and ended even where Redis is full."""


class Scripts:
    """``limits`` are the numbers that every script is given, in the order of ``_run.lua``."""

    def __init__(self, redis: Client, *limits: int) -> None:
        self._limits = limits
        self._scripts = {name: Script(redis, name, allow_oom=name in ALLOWED_OOM) for name in SCRIPTS}

    def call(self, name: str, run_id: str, step: str, *args: Any, more_keys: Sequence[str] = ()) -> list[Any]:
        """The script's reply. Raises LogFull and redis' errors."""
        keys = RunKeys(run_id)
        named = [*keys.all, *more_keys]
        reply: list[Any] = self._scripts[name](keys=named, args=[keys.channel, *self._limits, step, *args])
        return reply
