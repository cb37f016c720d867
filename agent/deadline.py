"""A run's deadline, noticed wherever a step's body waits."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from agent.entries import Entry, LeftOut
from agent.errors import PermanentError, TransientError
from agent.protocols import JSON, Emit


class DeadlineEmit:
    """An ``Emit`` whose ``check`` also raises ``PermanentError`` (code ``timeout``) once the deadline has passed."""

    def __init__(self, emit: Emit, deadline: float) -> None:
        self.tries = emit.tries
        self._emit = emit
        self._deadline = deadline

    @property
    def attempt(self) -> int:
        return self._emit.attempt

    def __call__(self, type: str, data: JSON) -> None:
        self._emit(type, data)

    def keep(self, changes: Mapping[str, Entry | None], left_out: Sequence[LeftOut] = ()) -> None:
        self._emit.keep(changes, left_out)

    def check(self) -> None:
        self._emit.check()
        if remaining(self._deadline) <= 0:
            raise PermanentError("The run took longer than it may and was stopped.", code="timeout")


def bring_forward(error: TransientError, deadline: float | None) -> None:
    """Let its delay not go beyond the deadline: an endpoint may ask for any time."""
    if deadline is not None and error.delay is not None:
        error.delay = min(error.delay, max(0.0, remaining(deadline)))


def remaining(deadline: float) -> float:
    """Seconds left; negative when it has passed."""
    return deadline - time.time()
