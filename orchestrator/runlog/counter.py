"""Counters that begin anew when their time is over."""

from __future__ import annotations

from typing import Any

from orchestrator.runlog.connection import Client


def ask_to_add(pipe: Any, name: str, number: int, seconds: int) -> None:
    """Add three commands to ``pipe``; the last two replies are the sum, and its time left in ms for ``time_left``."""
    pipe.set(name, 0, ex=seconds, nx=True)
    pipe.incrby(name, number)
    pipe.pttl(name)


def time_left(redis: Client, name: str, left: int, seconds: int) -> float:
    """In seconds. One that ended, or was refused for want of memory, between the first two commands has no end yet."""
    if left >= 0:
        return left / 1000
    redis.expire(name, seconds)
    return float(seconds)
