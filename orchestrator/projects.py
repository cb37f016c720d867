"""The files of runs and projects in Redis; implements ``agent.protocols.ProjectStore``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestrator.patience import patiently
from orchestrator.runlog import RunLog
from orchestrator.runlog.keys import project_files

PROJECT_TTL: Final = 30 * 86_400
"""Seconds a project's files are kept after its last run."""


class RedisProjectStore:
    """What one run may see of the store."""

    def __init__(self, log: RunLog, run_id: str, project_id: str) -> None:
        self._log, self._run_id = log, run_id
        self._project = project_files(project_id)

    def run_files(self) -> dict[str, bytes]:
        return patiently(self._log.files, self._run_id)

    def project_files(self) -> dict[str, bytes]:
        stored: dict[bytes, bytes] = patiently(self._log.redis.hgetall, self._project)
        return {path.decode(): content for path, content in stored.items()}

    def save_project(self, files: Mapping[str, bytes]) -> None:
        patiently(self._replace, dict(files))

    def _replace(self, files: dict[str, bytes]) -> None:
        pipe = self._log.redis.pipeline(transaction=True)
        pipe.delete(self._project)
        if files:
            pipe.hset(self._project, mapping=files)
            pipe.expire(self._project, PROJECT_TTL)
        pipe.execute()
