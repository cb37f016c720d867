"""The person behind a run, as far as the agent hears of them; implements ``agent.protocols.User``."""

from __future__ import annotations

from agent.messages import Approval, ApprovalRequest
from agent.protocols import Emit
from orchestrator.events import dumps
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.patience import patiently
from orchestrator.runlog import RunLog
from orchestrator.settings import Settings


class RemoteUser:
    """Whoever posts to the run."""

    def __init__(self, log: RunLog, keys: IdempotencyKeys, run_id: str, settings: Settings) -> None:
        self._log, self._keys, self._run_id = log, keys, run_id
        self._most_bytes = settings.events_max_bytes
        # As long as it may wait, and then as long as any run that has ended.
        self._keep = settings.agent_approval_timeout + settings.agent_run_timeout + settings.events_ttl

    def messages(self, heard: int, *, last: bool) -> list[str]:
        return patiently(self._log.inbox.hear, self._run_id, heard, "last" if last else "")

    def leave(self, heard: int) -> bool:
        return not patiently(self._log.inbox.hear, self._run_id, heard, "leave")

    def allows(self, request: ApprovalRequest, emit: Emit) -> Approval:
        """Raises RunWaits where there is no answer yet, after which nobody drives the run."""
        if len(dumps(request.args).encode()) > self._most_bytes:
            emit("tool-call", {"tool": request.tool, "args": request.args, "callId": request.call_id})
            return Approval(allow=False, reason="It is too long to be shown whole.")  # nobody may allow what is cut
        patiently(self._keys.extend, self._run_id, self._keep)
        return patiently(self._log.approvals.ask, self._run_id, emit.attempt, request, self._keep)
