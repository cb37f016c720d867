"""The files of runs and projects in Redis; implements ``agent.protocols.ProjectStore``."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.patience import patiently
from orchestrator.runlog import RunEnded, RunLog, RunRecord


class RedisProjectStore:
    """What one run may see of the store."""

    def __init__(self, log: RunLog, record: RunRecord) -> None:
        self._log, self._run_id = log, record.run_id
        self._project_id, self._created = record.fields["projectId"], record.time("createdAt") or 0

    def run_files(self) -> dict[str, bytes]:
        return patiently(self._log.files, self._run_id)

    def project_files(self) -> dict[str, bytes]:
        return patiently(self._log.projects.read, self._project_id)

    def save_project(self, files: Mapping[str, bytes]) -> None:
        """A process that was stopped for long may come here late: neither a run that has ended saves its files, nor one
        over those of a newer run."""
        if (record := patiently(self._log.record, self._run_id)).ended:
            raise RunEnded(record.status)
        patiently(self._log.projects.replace, self._project_id, files, self._created)
