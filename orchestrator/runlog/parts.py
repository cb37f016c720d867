"""What a run log is made of: the rooms beside the runs themselves, and the call of a script."""

from __future__ import annotations

from typing import Any, Final

from orchestrator.redact import Redactor
from orchestrator.runlog.approvals import Approvals
from orchestrator.runlog.calls import Scripts
from orchestrator.runlog.connection import Client
from orchestrator.runlog.inbox import Inbox
from orchestrator.runlog.index import RunIndex
from orchestrator.runlog.journal import Journal
from orchestrator.runlog.line import ProjectLine
from orchestrator.runlog.past import Pasts
from orchestrator.runlog.projects import ProjectFiles
from orchestrator.runlog.queue import RunQueue
from orchestrator.runlog.quota import Quota
from orchestrator.runlog.run_files import RunFiles
from orchestrator.runlog.staging import Staging
from orchestrator.runlog.untold import Untold

LEASE_SECONDS: Final = 6.0
"""How long a running step may be silent: its process says every two seconds that it still runs."""

STALL_SECONDS: Final = 15.0
"""How long a run may stand between two steps, unless a setting says otherwise."""


class Parts:
    """See ``RunLog``."""

    def __init__(
        self,
        redis: Client,
        *,
        ttl: float = 86_400,
        max_events: int = 10_000,
        max_bytes: int = 67_108_864,
        lease: float = LEASE_SECONDS,
        stall: float = STALL_SECONDS,
        redact: Redactor | None = None,
        reports_errors: bool = False,
        traced: bool = False,
    ) -> None:
        self._redis = redis
        self.redact = redact or Redactor()
        self.lease = lease
        self._max_bytes = max_bytes
        self.queue = RunQueue(redis)
        self.line = ProjectLine(redis)
        self.projects = ProjectFiles(redis, ttl)
        self.run_files = RunFiles(redis)
        self.quota = Quota(redis, ttl)
        self.index = RunIndex(redis, traced=traced)
        self.journal = Journal(redis)
        self.untold = Untold(redis, ttl)
        self._reports_errors = reports_errors
        self._scripts = Scripts(redis, max_events, *(int(seconds * 1000) for seconds in (ttl, lease, stall)))
        self.pasts = Pasts(redis, self.journal, self._scripts)
        self.staging = Staging(redis, self.redact)
        self.inbox = Inbox(self._scripts, self.redact)
        self.approvals = Approvals(self._scripts, self.queue, self.redact)

    def _call(self, script: str, run_id: str, step: str, *args: Any) -> tuple[str, str]:
        outcome, detail = self._scripts.call(script, run_id, step, *args)
        return outcome.decode(), detail.decode()
