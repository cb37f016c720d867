"""The person behind a run, as far as the agent hears of them; implements ``agent.protocols.User``."""

from __future__ import annotations

from orchestrator.patience import patiently
from orchestrator.runlog import RunLog


class RemoteUser:
    """Whoever posts to the run."""

    def __init__(self, log: RunLog, run_id: str) -> None:
        self._log, self._run_id = log, run_id

    def messages(self, heard: int, *, last: bool) -> list[str]:
        return patiently(self._log.inbox.hear, self._run_id, heard, "last" if last else "")

    def leave(self, heard: int) -> bool:
        return not patiently(self._log.inbox.hear, self._run_id, heard, "leave")
