"""Background work of a process that runs steps: it ends and removes what nobody will need again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Final

from redis.exceptions import RedisError

from agent.errors import AgentError
from agent.sandbox import Janitor
from orchestrator.drain import Drain
from orchestrator.logs import get_logger
from orchestrator.runlog import RunLog, RunMissing

LOOK_SECONDS: Final = 5.0
"""How often background processes are looked for whose run has ended elsewhere, such as by a cancel."""
SWEEP_EVERY: Final = 12
"""Looks between two sweeps of workspaces and contents. Finished runs tidy up by themselves, so both are for what was
killed or taken over elsewhere."""

log = get_logger(__name__)


class Housekeeping:
    """``sweep_projects``: drops what projects held for runs that have expired."""

    def __init__(self, janitor: Janitor, sweep_projects: Callable[[], object], drain: Drain) -> None:
        self._janitor, self._sweep_projects, self._drain = janitor, sweep_projects, drain

    def start(self) -> None:
        """Look now and then, in the background. Call once, after the fork."""
        threading.Thread(target=self._keep_sweeping, name="housekeeping", daemon=True).start()

    def _keep_sweeping(self) -> None:
        for look in count():
            try:
                self._janitor.stop_ended()
                if look % SWEEP_EVERY == 0:
                    for run_id in self._janitor.sweep():
                        log.info("sandbox.removed", run_id=run_id)
            except (AgentError, OSError) as error:
                log.warning("sandbox.not_swept", error=str(error))
            if look % SWEEP_EVERY == 0:
                with suppress(RedisError, OSError):
                    self._sweep_projects()
            if self._drain.started.wait(LOOK_SECONDS):
                return


def has_ended(run_log: RunLog, run_id: str) -> bool:
    """A run that is not there is none of this service's, perhaps another's: its workspace is left to its age."""
    try:
        return run_log.record(run_id).ended
    except RunMissing:
        return False
