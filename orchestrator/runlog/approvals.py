"""What a run asks its user to allow, and the answers: stored before they act, once each.

A run that waits is nobody's: it has the engine ``waiting``, stands in the queue of that name, and holds no process,
place or lease. Whoever stores the answer gives it to an engine again, or the watch does (``engines/approvals.py``).
"""

from __future__ import annotations

from typing import Final

from agent.messages import Approval, ApprovalRequest
from orchestrator.events import encode_body
from orchestrator.redact import Redactor
from orchestrator.runlog.calls import Scripts
from orchestrator.runlog.queue import RunQueue
from orchestrator.runlog.refusals import RunWaits, refusal

WAITING: Final = "waiting"
"""In place of an engine's name: the run waits for its user."""


class UnknownApproval(Exception):
    """The run has not asked for that."""


class AnsweredBefore(Exception):
    """The request has its answer; ``first`` is that."""

    def __init__(self, first: Approval) -> None:
        super().__init__("This was answered before")
        self.first = first


class Approvals:
    def __init__(self, scripts: Scripts, queue: RunQueue, redact: Redactor) -> None:
        self._scripts, self._queue, self._redact = scripts, queue, redact

    def ask(self, run_id: str, attempt: int, request: ApprovalRequest, keep: float) -> Approval:
        """The answer to ``request``, whose id is also that of the step that asks; the request is published once.

        Raises RunWaits where there is no answer yet: the run is kept for ``keep`` seconds and may be given to an engine
        when there is one. Raises RunMissing, RunEnded, AttemptStale, LogFull.
        """
        call = {"tool": request.tool, "args": self._redact.value(request.args), "callId": request.call_id}
        asked = {"approvalId": request.id, **call}
        bodies = [
            encode_body(run_id, type, data, request.id, 0)
            for type, data in (("tool-call", call), ("approval-request", asked))
        ]
        self._queue.reserve(WAITING, run_id, 0)
        outcome, detail = self._call("ask", run_id, request.id, attempt, int(keep * 1000), *bodies)
        if outcome == "waits":
            raise RunWaits("the run waits for its user")
        if outcome != "answered":
            raise refusal(outcome, detail)
        return Approval.model_validate_json(detail)

    def answer(self, run_id: str, approval_id: str, answer: Approval) -> None:
        """Store the user's answer, as an event too.

        Raises RunMissing, RunEnded, UnknownApproval, AnsweredBefore, LogFull.
        """
        answer = answer.model_copy(update={"reason": self._redact(answer.reason)})
        data = {"approvalId": approval_id, "allow": answer.allow, "reason": answer.reason or None}
        body = encode_body(run_id, "approval-answer", data, approval_id, 0)
        outcome, detail = self._call("answer", run_id, approval_id, answer.model_dump_json(), body)
        if outcome == "unknown":
            raise UnknownApproval("The run has not asked for that")
        if outcome == "answered":
            raise AnsweredBefore(Approval.model_validate_json(detail))
        if outcome != "ok":
            raise refusal(outcome, detail)

    def _call(self, script: str, run_id: str, step: str, *args: object) -> tuple[str, str]:
        outcome, detail = self._scripts.call(script, run_id, step, *args)
        return outcome.decode(), detail.decode()
