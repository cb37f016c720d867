"""How much a jail may take in these attempts, and how its end by a budget is recognised."""

from __future__ import annotations

from agent.messages import CommandResult

MIB = 1024 * 1024
BUDGET = {"memory": 256 * MIB, "processes": 64, "cpu": 2, "bytes": 64 * MIB, "entries": 5_000}
"""Small ones, so that passing them takes little. Bytes, processes, seconds, bytes, files."""


def stopped_by(result: CommandResult) -> str | None:
    """What the sandbox says about a command that it stopped for taking too much."""
    return "killed for writing too much output" if result.truncated else None


def environment() -> dict[str, str]:
    """The same budgets as settings of a service."""
    return {"AGENT_COMMAND_TIMEOUT": "8"}


def stopped_in(note: str) -> str | None:
    """The same as ``stopped_by``, of the note with which a tool call ends."""
    return note if note.startswith("killed") else None
