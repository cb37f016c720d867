"""What an attempt is, and how its end is judged."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.escape.stage import Stage


NEIGHBOUR_PORT = 8099
STAYS = "STAYS"
HANDLE = "bg-1-1"
"""Of the process in the background: the first call of the first turn starts it."""
BESIDE = "sleep 600"


class Verdict(StrEnum):
    HELD = "held"
    ESCAPED = "ESCAPED"
    LEFTOVER = "LEFTOVER"
    UNTRIED = "cannot be tried"


@dataclass(frozen=True)
class Attempt:
    """One hostile program, written in Python on top of ``inside.py``.

    ``after`` looks at the host when the command has ended and returns what got out; ``meanwhile`` does so while it
    runs. ``seconds`` is the command's time limit, which may pass only where ``may_time_out`` says so.
    ``must_be_killed``: it goes through with what it wants, so the sandbox has to say that it was too much. ``where``:
    whether it is a process in the background itself, which is left when it says ``STAYS``, or a command beside one.
    ``neighbour``: another run on this machine serves on ``NEIGHBOUR_PORT`` of its loopback meanwhile.
    """

    name: str
    program: str
    seconds: float = 10.0
    after: Callable[[Stage], str | None] | None = None
    meanwhile: Callable[[Stage], str | None] | None = None
    may_time_out: bool = False
    must_be_killed: bool = False
    where: Literal["alone", "background", "beside"] = "alone"
    neighbour: bool = False

    @property
    def id(self) -> str:
        return "-".join("".join(c if c.isalnum() else " " for c in self.name).split())


@dataclass(frozen=True)
class Ending:
    """How a command ended. ``stopped``: what the sandbox says stopped it, where it was the sandbox."""

    output: str
    seconds: float
    exit_code: int | None
    stopped: str | None = None
    late: float | None = None
    """Seconds from the moment at which a budget was passed to the end, where one was passed."""


@dataclass(frozen=True)
class Outcome:
    attempt: str
    kind: str
    user: str
    verdict: Verdict
    why: str
    seconds: float
    late: float | None = None


def judge(attempt: Attempt, ending: Ending, got_out: str | None) -> tuple[Verdict, str]:
    """What the program said, what the host saw and how it ended, in this order of weight."""
    said = Lines(ending.output)
    if got_out:
        return Verdict.ESCAPED, got_out
    if said.escaped:
        return Verdict.ESCAPED, said.escaped[0]
    if said.untried:
        return Verdict.UNTRIED, said.untried[0]
    if ending.stopped and (attempt.may_time_out or TIME not in ending.stopped):
        return Verdict.HELD, ending.stopped
    if attempt.must_be_killed:
        return Verdict.ESCAPED, "took more than a budget, and nothing was said about it"
    if ending.exit_code in KILLED_BY_FILTER:
        return Verdict.HELD, "killed by the system call filter"
    if said.held and ending.exit_code == 0:
        return Verdict.HELD, said.held[0]
    return Verdict.UNTRIED, f"{ending.stopped or f'exit code {ending.exit_code}'}: {ending.output.strip()[-200:]!r}"


TIME = "took longer than"
"""Says that the time limit of the command has passed, which stops everything and so proves nothing."""
KILLED_BY_FILTER = (128 + signal.SIGSYS, -signal.SIGSYS)


class Lines:
    """What a program said, by its first words (see ``inside.py``)."""

    def __init__(self, output: str) -> None:
        said = [line.partition(" ") for line in output.split("\n")]
        self.escaped = [what for word, _, what in said if word == "ESCAPED"]
        self.held = [what for word, _, what in said if word == "HELD"]
        self.untried = [what for word, _, what in said if word == "UNTRIED"]


def command_of(attempt: Attempt, host: dict[str, object], budget: dict[str, int]) -> str:
    """The whole program as a command for the jail's shell."""
    prelude = Path(__file__).with_name("inside.py").read_text()
    text = f"HOST = {host!r}\nBUDGET = {budget!r}\n{prelude}\n{attempt.program}"
    return f"exec python3 -c {shlex.quote(text)}"
