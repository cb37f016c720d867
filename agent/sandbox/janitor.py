"""Removes workspaces that nobody will need again: of runs that ended, and of those that went elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from agent.errors import AgentError
from agent.protocols import LOST
from agent.sandbox import identity, kept, records
from agent.sandbox.choose import open_sandbox
from agent.sandbox.exclusive import Taken, exclusive
from agent.sandbox.folder import RUN_ID, RunFolder, own_folder

DEAD_SECONDS: Final = 60.0
"""How long a dead process's workspace stays: its run is taken over within 10 s, often on this machine."""
IDLE_SECONDS: Final = 3600.0
"""How long a workspace may lie unused while its run goes on; it is rebuilt from the stored files."""
ELSEWHERE: Final = f"{LOST}the run went on in another process of the service"
"""How a background process has ended that was left to here, should its run come back."""

log = logging.getLogger(__name__)


class Janitor:
    """``has_ended``: whether a run will never need its workspace again; it may raise, which is taken for no."""

    def __init__(
        self,
        kind: str,
        dir: Path,
        has_ended: Callable[[str], bool] = lambda run_id: False,
        *,
        dead: float = DEAD_SECONDS,
        idle: float = IDLE_SECONDS,
        kept: int = 0,
    ) -> None:
        """``kept``: projects whose last workspace is kept for their next run, those that were used last."""
        self._kind, self._dir, self._has_ended = kind, dir, has_ended
        self._dead, self._idle, self._kept = dead, idle, kept

    def sweep(self) -> list[str]:
        """Look once; returns the runs whose workspaces were removed. Raises ``AgentError``, ``OSError``."""
        if not self._dir.exists():
            return []
        own_folder(self._dir)
        found = [entry.name for entry in self._dir.iterdir() if RUN_ID.fullmatch(entry.name)]
        names = [name for name in found if not name.startswith(kept.PREFIX)]
        for name in self._too_many(set(found) - set(names)):
            self.remove(name)
        return [name for name in names if self._is_unwanted(name) and self.remove(name)]

    def remove(self, run_id: str) -> bool:
        """Remove a run's workspace; ``False`` where it stays for now. One that is gone already is fine."""
        folder = RunFolder(self._dir, run_id)
        try:
            if not folder.path.exists():
                return True
            self.stop_processes(run_id)
            with exclusive(folder.lock, lambda: None, patience=0):
                self.stop_processes(run_id)  # again: the one who held it may just have started one
                folder.know(None)
                if not (self._kept and kept.keep(folder)) and folder.workspace.exists():
                    open_sandbox(self._kind, self._dir, run_id).clear()
                folder.remove()
            identity.release(folder.workspace)
        except Taken:
            return False
        except (AgentError, OSError) as error:
            log.warning("sandbox.not_removed run_id=%s error=%r", run_id, error)
            return False
        return True

    def forget(self, project: str) -> bool:
        """Remove the workspace that is kept for a project's next run; ``False`` where it stays for now."""
        return self.remove(kept.name_of(project))

    def _too_many(self, names: Collection[str]) -> list[str]:
        """Those of kept workspaces that are too many, or too old."""
        age = {name: time.time() - RunFolder(self._dir, name).last_used() for name in names}
        newest = sorted(names, key=lambda name: age[name])[: self._kept]
        return [name for name in names if name not in newest or age[name] > kept.SECONDS]

    def stop_ended(self) -> None:
        """Stop what goes on in the background of runs that have ended. Raises ``AgentError``, ``OSError``."""
        if self._dir.exists():
            for found in self._dir.glob("*/background"):
                run_id = found.parent.name
                if RUN_ID.fullmatch(run_id) and self._has_running(run_id) and self._knows_ended(run_id):
                    self.stop_processes(run_id)

    def stop_processes(self, run_id: str) -> None:
        """Stop what goes on in the background of a run that has ended or goes on elsewhere."""
        try:
            records.stop_all(RunFolder(self._dir, run_id).background, ELSEWHERE)
        except OSError as error:
            log.warning("sandbox.not_stopped run_id=%s error=%r", run_id, error)

    def _has_running(self, run_id: str) -> bool:
        return any(found.is_alive for found in records.records(RunFolder(self._dir, run_id).background))

    def _is_unwanted(self, run_id: str) -> bool:
        folder = RunFolder(self._dir, run_id)
        unused = time.time() - folder.last_used()
        if unused > (self._idle if folder.is_owner_alive() else self._dead):
            return True
        return self._knows_ended(run_id)

    def _knows_ended(self, run_id: str) -> bool:
        try:
            return self._has_ended(run_id)
        except Exception as error:
            log.info("sandbox.unknown_run run_id=%s error=%r", run_id, error)
            return False


def remove_workspace(kind: str, dir: Path, run_id: str, *, kept: int = 0) -> None:
    """Delete the workspace of a run that has ended; where that fails now, a janitor tries again (see there)."""
    Janitor(kind, dir, kept=kept).remove(run_id)
