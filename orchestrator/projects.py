"""The files of runs and projects in Redis; implements ``agent.protocols.ProjectStore``."""

from __future__ import annotations

from collections.abc import Sequence

from agent.entries import Marks, Stored
from agent.errors import PermanentError, TransientError
from agent.messages import Done
from orchestrator.patience import patiently
from orchestrator.runlog import RunEnded, RunLog, RunRecord
from orchestrator.runlog.projects import ProjectGone
from orchestrator.runlog.states import State


class RedisProjectStore:
    """What one run may see of the store."""

    def __init__(self, log: RunLog, record: RunRecord) -> None:
        self._log, self._run_id = log, record.run_id
        self._project_id, self._created = record.fields["projectId"], record.time("createdAt") or 0

    def open_project(self) -> list[Done]:
        return patiently(self._log.projects.pin, self._project_id, self._run_id, self._created)

    def base(self) -> Marks:
        return self._base()[1]

    def state(self) -> Stored:
        base, below = self._base()
        changes = patiently(self._log.run_files.changes, self._run_id)
        if changes is None:
            return Stored(below, base.left_out)
        return Stored(changes.over(below), changes.left_out)

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        files = patiently(self._log.files_of, self._run_id, self._project_id)
        contents = patiently(files.read_all, paths)
        if lost := set(paths) - contents.keys():
            raise TransientError(f"the content of {min(lost)} is not stored")
        return contents

    def save_project(self, done: Done) -> None:
        """A process that was stopped for long may come here late: neither a run that has ended saves its files, nor one
        over those of a newer run."""
        if (record := patiently(self._log.record, self._run_id)).ended:
            raise RunEnded(record.status)
        changes = patiently(self._log.run_files.changes, self._run_id)
        told = Done.model_validate(self._log.redact.value(done.model_dump()))
        try:
            patiently(self._log.projects.save, self._project_id, self._run_id, self._created, changes, self.read, told)
        except ProjectGone as error:
            raise PermanentError("The project was deleted while the run was on its way") from error

    def _base(self) -> tuple[State, Marks]:
        name = patiently(self._log.projects.base, self._project_id, self._run_id)
        try:
            return patiently(self._log.projects.state, self._project_id, name)
        except KeyError as error:
            raise PermanentError("What the run began with is not stored any more") from error
