"""`code-agent-cancelled`: ends a run for its viewers when its function was cancelled at Inngest.

Trigger: ``inngest/function.cancelled`` (on_failure is not called for a cancellation).
Flow:    end, which changes nothing where the run has ended before.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import inngest
from pydantic import ValidationError

from orchestrator.engines.inngest.functions.dependencies import Dependencies
from orchestrator.engines.inngest.functions.ending import end_run
from orchestrator.engines.inngest.step import in_terms_of_inngest
from orchestrator.events import RunRequested


def make(client: inngest.Inngest, dependencies: Dependencies) -> inngest.Function[Any]:
    @client.create_function(
        fn_id="code-agent-cancelled",
        name="Code Agent Cancelled",
        trigger=inngest.TriggerEvent(event="inngest/function.cancelled", expression=_ours(client)),
        retries=3,
    )
    def code_agent_cancelled(ctx: inngest.ContextSync) -> dict[str, Any]:
        request, inngest_run = _request(ctx.event.data.get("event")), ctx.event.data.get("run_id")
        message = "The run was cancelled"
        end = partial(end_run, dependencies, request, inngest_run, message, "cancelled", receipt=True)
        status = ctx.step.run("end", lambda: in_terms_of_inngest(ctx.attempt, end))
        return {"runId": request.run_id, "status": status}

    return code_agent_cancelled


def _request(original: Any) -> RunRequested:
    try:
        return RunRequested.model_validate(original["data"])
    except (TypeError, KeyError, ValidationError):
        raise inngest.NonRetriableError("the cancelled function's event names no run", quiet=True) from None


def _ours(client: inngest.Inngest) -> str:
    return f'event.data.function_id == "{client.app_id}-code-agent-run"'
