"""What happens between SIGTERM and the end of the process."""

from __future__ import annotations

import threading
import time

from agent.errors import TransientError


class Interrupted(TransientError):
    """The process is going away; the step should be tried again elsewhere, at once."""

    def __init__(self) -> None:
        super().__init__("the process is shutting down", delay=0)


class Drain:
    """Streams end when it starts, steps are given up ``seconds`` later."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline: float | None = None
        self.started = threading.Event()

    def start(self) -> None:
        if self._deadline is None:
            self._deadline = time.monotonic() + self._seconds
            self.started.set()

    def check(self) -> None:
        """Raise Interrupted when a running step has had its time."""
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise Interrupted

    def check_before_step(self) -> None:
        """Raise Interrupted as soon as draining has started: no new step begins here."""
        if self._deadline is not None:
            raise Interrupted
