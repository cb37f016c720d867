"""Says for the steps of this process that they still run: a command or a model may be silent for long.

It stops with the process, and that is the point: a step whose process is gone falls silent within its lease.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from redis.exceptions import RedisError

from orchestrator.logs import get_logger
from orchestrator.patience import AWAY
from orchestrator.runlog import LogFull, Refused, RunLog
from orchestrator.runlog.causes import cause

BEAT_SECONDS: Final = 2.0
"""A third of a step's lease: one beat may get lost."""

log = get_logger(__name__)


class Heart:
    """One thread for all running steps; it starts with the first one, so after the fork."""

    def __init__(self, run_log: RunLog) -> None:
        self._log = run_log
        self._running: set[tuple[str, str, int]] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextmanager
    def beating(self, run_id: str, step: str, attempt: int) -> Iterator[None]:
        """While this lasts the attempt counts as running, also where it says nothing."""
        place = (run_id, step, attempt)
        self._running.add(place)
        self._start()
        try:
            yield
        finally:
            self._running.discard(place)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)
                self._thread.start()

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            for place in list(self._running):
                try:
                    self._log.fence(*place)
                except Refused:
                    self._running.discard(place)  # the attempt finds out by itself
                except (RedisError, LogFull, *AWAY) as error:
                    log.warning("heart.redis_away", reason=cause(error))
                    break
