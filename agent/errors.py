"""What can end a step early. The attributes say what the engine should do about it."""

from __future__ import annotations


class AgentError(Exception):
    """Root of the agent's own errors."""


class TransientError(AgentError):
    """Worth another attempt, after ``delay`` seconds if one was named; ``spent``: tokens paid for nothing."""

    def __init__(self, message: str, delay: float | None = None, spent: int = 0) -> None:
        super().__init__(message)
        self.delay = delay
        self.spent = spent


class PermanentError(AgentError):
    """Another attempt would fail the same way; ``code`` becomes the code of the run's ``error`` event."""

    def __init__(self, message: str, code: str = "failed") -> None:
        super().__init__(message)
        self.code = code


class ContextOverflow(PermanentError):
    """The messages are longer than the model can read. A shorter conversation may pass."""


class Cancelled(AgentError):
    """Nobody wants this attempt any more: the run ended, or a newer attempt took over. Stop at once."""
