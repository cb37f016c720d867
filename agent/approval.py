"""Which calls wait until the user allows them. Pure.

Patterns slow an agent down where somebody wants to look; they are no boundary, for a command can say anything in many
ways. The sandbox is the boundary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Final

from agent.messages import ToolCall
from agent.tools.terminal import TERMINAL

PARTS: Final = re.compile(r"[;&|\n(){}`]+")
"""What separates the commands of a line: `rm *` also means the second half of `cd x && rm -r y`."""


def needing(calls: Sequence[ToolCall], patterns: Sequence[str]) -> list[int]:
    """Which of ``calls`` (from 1) the user has to allow: commands that match a pattern, whole or in part."""
    return [number for number, call in enumerate(calls, start=1) if _needs(call, patterns)]


def _needs(call: ToolCall, patterns: Sequence[str]) -> bool:
    command = call.args.get("command")
    if call.name != TERMINAL.name or not isinstance(command, str):
        return False
    texts = [command.strip(), *(part.strip() for part in PARTS.split(command))]
    return any(fnmatchcase(text, pattern) for text in texts if text for pattern in patterns)
