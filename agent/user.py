"""The person behind a run who says nothing more, and the one who sits at this terminal."""

from __future__ import annotations

import sys

from agent.messages import Approval, ApprovalRequest
from agent.protocols import Emit


class Silent:
    """Implements ``agent.protocols.User``."""

    def messages(self, heard: int, *, last: bool) -> list[str]:
        return []

    def leave(self, heard: int) -> bool:
        return True

    def allows(self, request: ApprovalRequest, emit: Emit) -> Approval:
        emit("tool-call", {"tool": request.tool, "args": request.args, "callId": request.call_id})
        return Approval(allow=False, reason="Nobody is there who could allow it.")


class AtTerminal(Silent):
    """Answers y or n, where there is a terminal; the events show what is asked for."""

    def allows(self, request: ApprovalRequest, emit: Emit) -> Approval:
        if not sys.stdin.isatty():
            return super().allows(request, emit)
        asked = {"tool": request.tool, "args": request.args, "callId": request.call_id}
        emit("tool-call", asked)
        emit("approval-request", {"approvalId": request.id, **asked})
        print("Allow this? [y/N] ", end="", file=sys.stderr, flush=True)
        answer = Approval(allow=sys.stdin.readline().strip().lower() in ("y", "yes"))
        emit("approval-answer", {"approvalId": request.id, "allow": answer.allow})
        return answer
