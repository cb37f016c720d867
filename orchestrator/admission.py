"""What has to be true for another run to start, and what is noted of it before it is stored; each is one round trip.

``look`` only reads, so a request that is refused changes nothing. What ``announce`` writes lies in different slots, so
none of it can depend on the rest: who came to the same project between the two shows in its reply, and ``settle`` takes
back what must not stay, the project's latest run too. A process that dies on the way leaves the names of a run that was
never stored: the queue forgets it when its reservation is over, the line and the lists where somebody meets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from orchestrator.engines.dispatch import Choice, Dispatcher, hold
from orchestrator.engines.turns import ARRIVING_MS, Turns
from orchestrator.events import RunRequested
from orchestrator.owners import ProjectOwners, UnknownProject
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import project_latest
from orchestrator.runlog.projects import PROJECT_TTL

GIVE_BACK: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
"""
"""Make another run the project's latest again, unless one has been announced since."""


class TooManyRuns(Exception):
    """As many runs as allowed are unfinished."""


@dataclass(frozen=True)
class RunLimits:
    """Unfinished runs in all, of a caller, of a project; and what a project's runs may have stored of late."""

    in_all: int
    of_caller: int
    of_project: int
    project_bytes: int


class Seen(NamedTuple):
    """Whether the project is the caller's already, and whether nobody stands in its line."""

    is_owned: bool
    is_free: bool


class Admission:
    def __init__(
        self,
        redis: Client,
        run_log: RunLog,
        dispatcher: Dispatcher,
        turns: Turns,
        owners: ProjectOwners,
        limits: RunLimits,
    ) -> None:
        self._redis, self._log, self._dispatcher, self._turns = redis, run_log, dispatcher, turns
        self._owners, self._limits = owners, limits

    def look(self, project_id: str, caller: str) -> Seen:
        """Raises UnknownProject, TooManyRuns."""
        pipe = self._redis.pipeline(transaction=False)  # the names are in different slots
        self._owners.ask(pipe, project_id)
        self._log.line.ask_length(pipe, project_id)
        self._log.quota.ask(pipe, caller, project_id)
        self._dispatcher.ask_unfinished(pipe)
        owner, in_line, of_caller, of_runs, of_files, *unfinished = pipe.execute()
        if owner not in (None, caller.encode()):
            raise UnknownProject("Unknown project")
        if sum(unfinished) >= self._limits.in_all:
            raise TooManyRuns(f"{self._limits.in_all} runs are unfinished; try again later")
        if of_caller >= self._limits.of_caller and self._unfinished_of(caller) >= self._limits.of_caller:
            raise TooManyRuns(f"{self._limits.of_caller} of your runs are unfinished; try again later")
        if int(of_runs or 0) + int(of_files or 0) > self._limits.project_bytes:
            raise TooManyRuns("This project and its runs have stored as much as they may for now; try again later")
        return Seen(is_owned=owner is not None, is_free=not in_line)

    def own(self, project_id: str, caller: str) -> None:
        """The project is the caller's from now on. Raises UnknownProject."""
        if self._owners.take(project_id, caller) != caller:
            raise UnknownProject("Unknown project")

    def check_line(self, before: Sequence[str]) -> None:
        """Those runs of the project have to end first. Raises TooManyRuns."""
        if len(before) >= self._limits.of_project:
            raise TooManyRuns(f"{len(before)} runs of this project are unfinished; try again later")

    def announce(self, request: RunRequested, choice: Choice, caller: str) -> tuple[str, dict[str, int]]:
        """Stand in the project's line, and be found should this process die; take the project, if it is nobody's.

        Returns whose it is, and the runs before this one: when they came, in ms.
        """
        run_id, project_id = request.run_id, request.project_id
        pipe = self._redis.pipeline(transaction=False)
        self._owners.ask_to_take(pipe, project_id, caller)
        self._log.line.ask_to_join(pipe, project_id, run_id)
        self._dispatcher.reserve(pipe, run_id, choice)
        pipe.set(project_latest(project_id), run_id, ex=PROJECT_TTL)
        self._log.quota.add_run(pipe, caller, run_id)
        self._log.index.add(pipe, caller, project_id, run_id)
        self._owners.note(pipe, project_id, caller)
        _, _, owner, joined, *_ = pipe.execute()
        return owner.decode(), self._log.line.read(joined)

    def settle(self, request: RunRequested, choice: Choice, caller: str, owner: str, joined: dict[str, int]) -> Choice:
        """What becomes of a run that was announced for ``choice`` in a free line: others may have come meanwhile.

        Raises UnknownProject, TooManyRuns; then nothing of it is left.
        """
        if owner != caller:
            self._withdraw(request, choice, caller, next(reversed(joined), ""))
            raise UnknownProject("Unknown project")
        before = self._turns.unfinished(joined)
        try:
            self.check_line(before)
        except TooManyRuns:
            self._withdraw(request, choice, caller, before[self._limits.of_project - 1])
            raise
        return self._hold(request.run_id, choice, hold(len(before))) if before else choice

    def _hold(self, run_id: str, choice: Choice, held: Choice) -> Choice:
        pipe = self._redis.pipeline(transaction=False)
        self._dispatcher.reserve(pipe, run_id, held)  # first: it is never in neither
        self._log.queue.remove(choice.engine, run_id, pipe)
        pipe.execute()
        return held

    def _withdraw(self, request: RunRequested, choice: Choice, caller: str, latest: str) -> None:
        """Take back what was announced; ``latest`` is the project's latest run then, or empty."""
        run_id, project_id = request.run_id, request.project_id
        pipe = self._redis.pipeline(transaction=False)
        self._log.line.leave(project_id, run_id, pipe)
        self._log.queue.remove(choice.engine, run_id, pipe)
        self._log.quota.drop_runs(caller, [run_id], pipe)
        self._log.index.remove(caller, project_id, run_id, pipe)
        latest_run = project_latest(project_id)
        pipe.execute_command("EVAL", GIVE_BACK, 1, latest_run, run_id, latest, PROJECT_TTL)  # see ProjectLine
        pipe.execute()

    def _unfinished_of(self, caller: str) -> int:
        """How many of the caller's runs are unfinished, or on their way to be stored."""
        added = self._log.quota.runs(caller)
        now, beats = self._log.beats(added)
        over = [run_id for run_id, beat in beats.items() if beat is None and now - added[run_id] > ARRIVING_MS]
        self._log.quota.drop_runs(caller, over)
        return len(added) - len(over)
