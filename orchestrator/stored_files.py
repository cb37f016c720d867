"""What a run or a project holds, for whoever shows it: see ``FilesView``."""

from __future__ import annotations

from orchestrator.runlog import RunLog, RunMissing
from orchestrator.runlog.views import FilesView

__all__ = ["FilesView", "StoredFiles"]


class StoredFiles:
    """All methods raise redis' errors."""

    def __init__(self, log: RunLog) -> None:
        self._log = log

    def of_run(self, run_id: str) -> FilesView:
        """As the run's last finished step left them; empty where nothing is stored of it."""
        try:
            project_id = self._log.record(run_id).owner.project_id
        except RunMissing:
            project_id = ""
        return self._log.files_of(run_id, project_id)

    def before_run(self, run_id: str, project_id: str) -> FilesView:
        """As the run found them."""
        return self._log.files_before(run_id, project_id)

    def of_project(self, project_id: str) -> FilesView:
        """As the last run that was saved left them; empty for a project that is not there."""
        return self._log.files_of_project(project_id)
