"""`code-agent-cancelled`: ends a run for its viewers when its function was cancelled at Inngest.

Trigger: ``inngest/function.cancelled`` (on_failure is not called for a cancellation).
Flow:    end, which changes nothing where the run has ended before.
"""

from __future__ import annotations

from typing import Any

import inngest
from pydantic import ValidationError

from orchestrator.engines.inngest.functions.dependencies import Dependencies
from orchestrator.engines.inngest.step import in_terms_of_inngest
from orchestrator.events import RunRequested
from orchestrator.patience import patiently
from orchestrator.runlog import RunMissing


def make(client: inngest.Inngest, dependencies: Dependencies) -> inngest.Function[Any]:
    def _end(run_id: str) -> bool:
        try:
            return patiently(dependencies.log.fail, run_id, "The run was cancelled", "cancelled", receipt=True)
        except RunMissing:
            return False
        finally:
            dependencies.coder.clean_up(run_id)

    @client.create_function(
        fn_id="code-agent-cancelled",
        name="Code Agent Cancelled",
        trigger=inngest.TriggerEvent(event="inngest/function.cancelled", expression=_ours(client)),
        retries=3,
    )
    def code_agent_cancelled(ctx: inngest.ContextSync) -> dict[str, Any]:
        run_id = _run_id(ctx.event.data.get("event"))
        ended = ctx.step.run("end", lambda: in_terms_of_inngest(ctx.attempt, _end, run_id))
        return {"runId": run_id, "ended": ended}

    return code_agent_cancelled


def _run_id(original: Any) -> str:
    try:
        return RunRequested.model_validate(original["data"]).run_id
    except (TypeError, KeyError, ValidationError):
        raise inngest.NonRetriableError("the cancelled function's event names no run", quiet=True) from None


def _ours(client: inngest.Inngest) -> str:
    return f'event.data.function_id == "{client.app_id}-code-agent-run"'
