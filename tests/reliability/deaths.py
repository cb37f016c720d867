"""Deaths of a process at chosen moments, without a process: what would come after the moment is not carried out.

A moment is just before or just after one write of the run to Redis. Whatever a process does between two writes, asking
a model or running a command, has happened at the one and not at the other; so these are all the moments that can be
told apart afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any, Final, Literal, NamedTuple

FENCE_ARGS: Final = 2
"""An append of so many arguments holds no event: it asks whether the attempt is still wanted, when time has passed."""


class Moment(NamedTuple):
    """Around the ``number``-th call of a script of the run log while ``step`` was the last one begun."""

    step: str
    script: str
    number: int
    when: Literal["before", "after"]

    def __str__(self) -> str:
        return f"{self.when} {self.script} {self.number} of {self.step or 'the run'}"


class Death(BaseException):
    """The process is gone. No code of the service catches this, so all that still happens is Python's unwinding."""

    def __init__(self, moment: Moment) -> None:
        super().__init__(str(moment))
        self.moment = moment


class Reaper:
    """Between a run and its log: remembers the moments that passed, and lets the process die once at each of some.

    ``on_write(step, script)`` is told about each write before it is made.
    """

    def __init__(self, dies_at: Collection[Moment], on_write: Callable[[str, str], None]) -> None:
        self.moments: list[Moment] = []
        self.step = ""
        self.left = set(dies_at)
        self._on_write = on_write
        self._counts: Counter[tuple[str, str]] = Counter()
        self._done: set[str] = set()
        self._is_told = False

    def call(self, write: Callable[..., Any], name: str, run_id: str, step: str, *args: Any) -> Any:
        """In place of ``Scripts.call``."""
        is_replayed = name == "begin" and step in self._done
        is_no_write = is_replayed or name == "read" or (name == "append" and len(args) == FENCE_ARGS)
        if self._is_told or is_no_write or name == "create":  # before which there is no run
            return write(name, run_id, step, *args)
        if name == "begin":
            self.step = step
        return self.around(name, write, name, run_id, step, *args)

    def around(self, name: str, write: Callable[..., Any], *args: Any) -> Any:
        """Make a write, with a moment on each side."""
        self._is_told = True
        self._on_write(self.step, name)
        self._is_told = False
        self._counts[self.step, name] += 1
        number = self._counts[self.step, name]
        self._pass(Moment(self.step, name, number, "before"))
        reply = write(*args)
        if name == "commit":
            self._done.add(self.step)
        self._pass(Moment(self.step, name, number, "after"))
        return reply

    def _pass(self, moment: Moment) -> None:
        self.moments.append(moment)
        if moment in self.left:
            self.left.remove(moment)
            raise Death(moment)
