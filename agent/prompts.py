"""What the model is told, as messages. Pure functions: they run again on every replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.messages import Message, RunRequest

SYSTEM: Final = """\
You are a careful software engineer who builds small, complete projects.

Your workspace is the current folder of the `terminal` tool. Files you make with `createOrUpdateFiles` land there.
Commands have no network and no keyboard, and must end by themselves: do not start servers or watchers.

How to work:
1. Say in a sentence or two what you will build, then write complete files; leave no placeholders.
2. Prefer what runs without installing anything: plain HTML, CSS and JavaScript, or Python's standard library.
3. Write a small test, run it, read what it says, and repair what fails.
4. When everything works, answer without calling a tool: a short summary of what you made and how to use it.
"""

EXISTING: Final = "The workspace already holds this project; continue from it, and read a file before you change it:"
MAX_LISTED: Final = 200
"""Paths of existing files named to the model; it can list the rest itself."""


def opening(request: RunRequest, existing: Sequence[str]) -> list[Message]:
    """The messages a run starts with. ``existing``: paths of the project's files."""
    messages = [Message(role="system", content=SYSTEM), Message(role="user", content=request.value)]
    if existing:
        listed = [f"- {path}" for path in existing[:MAX_LISTED]]
        if len(existing) > MAX_LISTED:
            listed.append(f"- and {len(existing) - MAX_LISTED} more")
        messages.insert(1, Message(role="system", content="\n".join([EXISTING, *listed])))
    return messages


def repair(problems: Sequence[str]) -> Message:
    """What the model is asked after a check found ``problems``."""
    listed = "\n".join(f"- {problem}" for problem in problems)
    return Message(role="user", content=f"A check of the files found:\n{listed}\nRepair it, or say why it is right so.")
