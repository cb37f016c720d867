"""How much a jail may take in these attempts, and how its end by a budget is recognised."""

from __future__ import annotations

from agent.messages import CommandResult
from agent.sandbox import MB, Budgets

SMALL = Budgets(memory=256 * MB, processes=64, cpu=2, disk=64 * MB, files=5_000)
"""So that passing them takes little."""
MOST_MOVED = 8 * MB
"""Over the network."""
BUDGET = {
    "network": MOST_MOVED,
    "memory": SMALL.memory,
    "processes": SMALL.processes,
    "cpu": SMALL.cpu,
    "bytes": SMALL.disk,
    "entries": SMALL.files,
}
"""As the programs know them: bytes, bytes, processes, seconds, bytes, files and folders."""
TIMEOUT = 8.0
"""Seconds that a service gives to a command; a stage gives each attempt its own."""


def environment(allow: str) -> dict[str, str]:
    """The same budgets as settings of a service. ``allow``: hosts that commands may reach."""
    return {
        "AGENT_SANDBOX_ALLOW": allow,
        "JAIL_NETWORK_MB": str(MOST_MOVED // MB),
        "AGENT_COMMAND_TIMEOUT": str(TIMEOUT),
        "JAIL_MEMORY_MB": str(SMALL.memory // MB),
        "JAIL_PROCESSES": str(SMALL.processes),
        "JAIL_CPU_SECONDS": str(SMALL.cpu),
        "JAIL_DISK_MB": str(SMALL.disk // MB),
        "JAIL_FILES": str(SMALL.files),
    }


def stopped_by(result: CommandResult) -> str | None:
    """What the sandbox says about a command that it has killed, such as "killed: it used …"."""
    return None if result.killed is None else f"{KILLED}{result.killed}"


def ended_as(words: str) -> tuple[int | None, str | None]:
    """The exit code of a process in the background, 0 where it still runs, and what stopped it."""
    if words.endswith(STILL_RUNS):
        return 0, None
    code = words.rpartition("exit code ")[2]
    return (int(code), None) if code.isdecimal() else (None, words)


STILL_RUNS = "still runs"
KILLED = "killed: "
"""So begins the note of a command that was killed, too, with which a tool call ends."""
