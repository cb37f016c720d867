"""Waiting for a Redis that is away, within bounds. Only for calls that may be repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from redis.exceptions import BusyLoadingError, ClusterDownError, NoPermissionError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from orchestrator.runlog import LogUnavailable
from orchestrator.runlog.not_now import NotNow

T = TypeVar("T")

AWAY: Final = (
    *(RedisConnectionError, RedisTimeoutError, BusyLoadingError, OSError),
    *(NotNow, ClusterDownError, TryAgainError, NoPermissionError),
)
"""Redis does not answer, or takes nothing for now; nothing is wrong with what was asked."""

PATIENCE_SECONDS: Final = 20.0
"""How long a step waits for Redis before it is given up for a retry."""

RETRY_SECONDS: Final = 0.2


def patiently(call: Callable[..., T], *args: Any, check: Callable[[], None] = lambda: None, **kwargs: Any) -> T:
    """Repeat ``call`` until Redis answers. Raises LogUnavailable after PATIENCE_SECONDS, and what ``check`` raises."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call(*args, **kwargs)
        except AWAY as error:
            if time.monotonic() > give_up:
                raise LogUnavailable(f"Redis did not answer for {PATIENCE_SECONDS:.0f} s") from error
        check()
        time.sleep(RETRY_SECONDS)
