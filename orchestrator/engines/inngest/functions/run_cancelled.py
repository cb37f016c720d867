"""`code-agent-run-cancelled`: ends the run that an event asks to cancel, also where Inngest has nothing to stop.

Trigger: ``code-agent/run.cancelled``. Inngest itself stops an execution by it, but a run that waits for its user or its
         turn, or that is driven elsewhere, has none.
Flow:    end, which changes nothing where the run has ended before.
"""

from __future__ import annotations

from typing import Any

import inngest
from pydantic import ValidationError

from orchestrator.engines.inngest.functions.dependencies import Dependencies
from orchestrator.engines.inngest.step import in_terms_of_inngest
from orchestrator.events import RUN_CANCELLED, RunCancelled
from orchestrator.patience import patiently
from orchestrator.runlog import RunMissing


def make(client: inngest.Inngest, dependencies: Dependencies) -> inngest.Function[Any]:
    def _end(run_id: str) -> str:
        try:
            if not patiently(dependencies.log.record, run_id).ended:
                patiently(dependencies.log.fail, run_id, "The run was cancelled", "cancelled", receipt=True)
            status = patiently(dependencies.log.record, run_id).status
        except RunMissing:
            return "unknown"
        dependencies.coder.clean_up(run_id)
        return status

    @client.create_function(
        fn_id="code-agent-run-cancelled",
        name="Code Agent Run Cancelled",
        trigger=inngest.TriggerEvent(event=RUN_CANCELLED),
        retries=3,
    )
    def code_agent_run_cancelled(ctx: inngest.ContextSync) -> dict[str, Any]:
        run_id = _run_id(ctx.event.data)
        status = ctx.step.run("end", lambda: in_terms_of_inngest(ctx.attempt, _end, run_id))
        return {"runId": run_id, "status": status}

    return code_agent_run_cancelled


def _run_id(data: Any) -> str:
    try:
        return RunCancelled.model_validate(data).run_id
    except ValidationError:
        raise inngest.NonRetriableError(f"bad {RUN_CANCELLED} event: it names no run", quiet=True) from None
