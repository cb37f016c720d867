"""The files of runs and projects in Redis; implements ``agent.protocols.ProjectStore``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.entries import Marks, Stored
from agent.errors import PermanentError, TransientError
from agent.messages import Done
from orchestrator.patience import patiently
from orchestrator.runlog import RunEnded, RunLog, RunRecord
from orchestrator.runlog.projects import ProjectGone
from orchestrator.runlog.views import FilesView

GONE: Final = "What the run began with is not stored any more"


class RedisProjectStore:
    """What one run may see of the store."""

    def __init__(self, log: RunLog, record: RunRecord) -> None:
        self._log, self._run_id = log, record.run_id
        self._project_id, self._created = record.fields["projectId"], record.time("createdAt") or 0
        self._view: FilesView | None = None

    def open_project(self) -> list[Done]:
        return patiently(self._log.projects.pin, self._project_id, self._run_id, self._created)

    def base(self) -> Marks:
        name = patiently(self._log.projects.base, self._project_id, self._run_id)
        try:
            return patiently(self._log.projects.state, self._project_id, name)[1]
        except KeyError as error:
            raise PermanentError(GONE) from error

    def state(self) -> Stored:
        try:
            self._view = patiently(self._log.files_of, self._run_id, self._project_id)
        except KeyError as error:
            raise PermanentError(GONE) from error
        return Stored(self._view.marks, self._view.left_out)

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        if self._view is None:
            self.state()
        assert self._view is not None
        contents = patiently(self._view.read_all, paths)
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
