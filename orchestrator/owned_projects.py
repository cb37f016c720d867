"""A caller's projects: which there are, what is known of each, and how one is deleted with all that it has."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from agent.messages import Done
from orchestrator.admission import GIVE_BACK
from orchestrator.engines.turns import ARRIVING_MS
from orchestrator.owners import ProjectOwners
from orchestrator.runlog import RunLog, RunMissing, RunRecord
from orchestrator.runlog.connection import Client
from orchestrator.runlog.index import MOST_LOOKED
from orchestrator.runlog.keys import caller_projects, project_bytes, project_latest

MOST_RUNS: Final = MOST_LOOKED
"""Of a project, that are shown."""

UNLIST: Final = """
local used = redis.call('ZSCORE', KEYS[1], ARGV[1])
if used and tonumber(used) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
"""
"""Take a project from its caller's, unless a run was started on it since it had this score."""


@dataclass(frozen=True)
class About:
    """``used``: when its latest run was started, in ms; ``stored``: bytes; ``latest``: the run that saved last."""

    used: int | None
    stored: int
    latest: str | None
    history: list[Done] = field(default_factory=list)


@dataclass(frozen=True)
class ProjectPage:
    """The latest used first; ``next``: to be asked for as ``before``, where more may follow."""

    projects: list[tuple[str, About]]
    next: str | None


class OwnedProjects:
    """``forget`` drops what this machine keeps of a project of a caller. All methods raise redis' errors."""

    def __init__(self, redis: Client, log: RunLog, owners: ProjectOwners, forget: Callable[[str, str], object]) -> None:
        self._redis, self._log, self._owners, self._forget = redis, log, owners, forget

    def is_of(self, project_id: str, caller: str) -> bool:
        """Whether there is such a project, and it is the caller's."""
        return (
            self._owners.owner(project_id) == caller
            and self._redis.zscore(caller_projects(caller), project_id) is not None
        )

    def page(self, caller: str, limit: int, before: float | None) -> ProjectPage:
        """Up to ``limit`` of the caller's projects, those used before ``before`` (ms)."""
        name, highest = caller_projects(caller), "+inf" if before is None else f"({before}"
        rows = self._redis.zrevrangebyscore(name, highest, "-inf", start=0, num=limit + 1, withscores=True)
        shown = [(row[0].decode(), float(row[1])) for row in rows[:limit]]
        owned = [(project_id, score) for project_id, score in shown if self._owners.owner(project_id) == caller]
        if gone := {project_id for project_id, _ in shown} - {project_id for project_id, _ in owned}:
            self._redis.zrem(name, *gone)  # its files have expired, and its name with them
        projects = [(project_id, self._about(project_id, int(score))) for project_id, score in owned]
        return ProjectPage(projects, str(shown[-1][1]) if len(rows) > limit else None)

    def about(self, project_id: str, caller: str) -> About:
        score = self._redis.zscore(caller_projects(caller), project_id)
        return self._about(project_id, None if score is None else int(score))

    def runs(self, project_id: str, caller: str) -> list[RunRecord]:
        """Those that are stored, the newest first; of each what a list shows."""
        return self._log.index.page(caller, project_id, lambda run: True, None, MOST_RUNS).runs

    def delete(self, project_id: str, caller: str) -> list[str]:
        """Delete its files, its history and its runs; or nothing, where runs are unfinished: returns them.

        Its name stays its caller's for as long as its files would have: a run that starts at this very moment must not
        save under somebody else's name.
        """
        used = self._redis.zscore(caller_projects(caller), project_id)
        latest: bytes | None = self._redis.get(project_latest(project_id))
        joined = self._log.line.times(project_id)
        runs = self._all_runs(project_id, caller)
        now, beats = self._log.beats({*runs, *joined})
        is_arriving = {each for each, at in joined.items() if each not in runs and now - at < ARRIVING_MS}
        if unfinished := [each for each, beat in beats.items() if beat or each in is_arriving]:
            return unfinished
        for run_id in runs:
            with suppress(RunMissing):
                self._log.remove(run_id)
        self._forget(project_id, caller)
        self._log.projects.delete(project_id)
        self._redis.unlink(project_bytes(project_id))
        # A run that came after the look above keeps its place in the lists: it goes on, and what it saves is found.
        if latest is not None:
            self._redis.eval(GIVE_BACK, 1, project_latest(project_id), latest, "", 0)
        self._redis.eval(UNLIST, 1, caller_projects(caller), project_id, used or 0)
        return []

    def _all_runs(self, project_id: str, caller: str) -> list[str]:
        """Those that are stored, however many."""
        page = self._log.index.page(caller, project_id, lambda run: True, None, MOST_RUNS)
        runs = [record.run_id for record in page.runs]
        while page.next is not None:
            page = self._log.index.page(caller, project_id, lambda run: True, page.next, MOST_RUNS)
            runs += [record.run_id for record in page.runs]
        return runs

    def _about(self, project_id: str, used: int | None) -> About:
        stored, latest, history = self._log.projects.about(project_id)
        return About(used, stored, latest, history)
