"""What can end a step early. The attributes say what the engine should do about it."""

from __future__ import annotations


class AgentError(Exception):
    """Root of the agent's own errors."""


class TransientError(AgentError):
    """Worth another attempt, after ``delay`` seconds if the other side named one."""

    def __init__(self, message: str, delay: float | None = None) -> None:
        super().__init__(message)
        self.delay = delay


class PermanentError(AgentError):
    """Another attempt would fail the same way; ``code`` becomes the code of the run's ``error`` event."""

    def __init__(self, message: str, code: str = "failed") -> None:
        super().__init__(message)
        self.code = code


class Cancelled(AgentError):
    """Nobody wants this attempt any more: the run ended, or a newer attempt took over. Stop at once."""
