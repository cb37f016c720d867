"""A shell that runs nothing: files can be written and read, commands are answered with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agent.messages import CommandResult
from agent.protocols import Process
from agent.sandbox.process import OnOutput

CANNOT_EXECUTE: Final = 126
"""What a shell exits with when it finds a command that it may not execute."""


class RefusedSandbox:
    def __init__(self, reason: str) -> None:
        self.reason = reason

    def run(self, command: str, *, timeout: float, on_output: OnOutput, check: Callable[[], None]) -> CommandResult:
        on_output(
            "stderr",
            f"Not run: {self.reason}. Files can still be written and read.\n"
            "Whoever runs this service can install bubblewrap and set AGENT_SANDBOX=bubblewrap, or accept commands "
            "without any protection with AGENT_SANDBOX=unsafe-local.\n",
        )
        return CommandResult(exit_code=CANNOT_EXECUTE)


class NoBackground:
    """Starts nothing; implements ``agent.protocols.Background``."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def start(self, handle: str, command: str, *, timeout: float) -> str | None:
        return self.reason

    def look(self, handle: str, *, reader: str, since: int | None = None) -> Process | None:
        return None

    def stop(self, handle: str, why: str) -> None:
        pass

    def stop_all(self, why: str) -> list[str]:
        return []

    def running(self) -> list[str]:
        return []
