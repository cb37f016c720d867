"""`code-agent-run`: runs the code agent for one prompt.

Trigger: ``code-agent/run.requested``.
Flow:    claim → the agent's steps (prepare, model-…, tool-…, check-…, finish) → complete → announce.
Failure: the run ends with ``error``; ``code-agent/run.error`` is sent.
Cancel:  ``code-agent/run.cancelled`` with the same runId.
"""

from __future__ import annotations

from typing import Any, Final

import inngest
from pydantic import ValidationError

from orchestrator.engines.inngest.functions.dependencies import Dependencies
from orchestrator.engines.inngest.step import InngestStep, in_terms_of_inngest
from orchestrator.engines.retry import RETRIES
from orchestrator.events import (
    RUN_CANCELLED,
    RUN_COMPLETE,
    RUN_ERROR,
    RUN_REQUESTED,
    RunComplete,
    RunError,
    RunRequested,
    now_ms,
)
from orchestrator.patience import patiently
from orchestrator.runlog import RunMissing
from orchestrator.runlog.keys import INNGEST_RUNS

FUNCTION_ID: Final = "code-agent-run"


def make(client: inngest.Inngest, dependencies: Dependencies) -> inngest.Function[Any]:
    log, steps, coder = dependencies.log, dependencies.steps, dependencies.coder

    def on_failure(ctx: inngest.ContextSync) -> None:
        """All retries are used up, or an error said not to retry."""
        original: Any = ctx.event.data.get("event")
        request = _request(original.get("data") if isinstance(original, dict) else None)
        message = log.redact(_message(ctx.event.data.get("error")))
        status = ctx.step.run("end", lambda: in_terms_of_inngest(ctx.attempt, _fail, request.run_id, message))
        if status != "complete":
            data = {"runId": request.run_id, "projectId": request.project_id, "error": message, "code": status}
            ctx.step.send_event("announce", _event(RUN_ERROR, request.run_id, RunError.model_validate(data)))

    def _fail(run_id: str, message: str) -> str:
        """Returns the status that the run has now."""
        try:
            patiently(log.fail, run_id, message, "failed")
            return patiently(log.record, run_id).status
        except RunMissing:
            return "lost"
        finally:
            coder.clean_up(run_id)

    def _claim(request: RunRequested, inngest_run: str) -> bool:
        # An event that somebody sent to Inngest directly has no run here yet.
        if patiently(log.create, request, "inngest", "Accepted from Inngest, which runs the steps"):
            patiently(log.redis.zadd, INNGEST_RUNS, {request.run_id: now_ms()})
        return patiently(log.claim, request.run_id, f"inngest:{inngest_run}")

    @client.create_function(
        fn_id=FUNCTION_ID,
        name="Code Agent Run",
        trigger=inngest.TriggerEvent(event=RUN_REQUESTED),
        retries=RETRIES,
        concurrency=[inngest.Concurrency(limit=dependencies.concurrency)],
        cancel=[inngest.Cancel(event=RUN_CANCELLED, if_exp="event.data.runId == async.data.runId")],
        on_failure=on_failure,
    )
    def code_agent_run(ctx: inngest.ContextSync) -> dict[str, Any]:
        request = _request(ctx.event.data)
        run_id = request.run_id
        ours = ctx.step.run("claim", lambda: in_terms_of_inngest(ctx.attempt, _claim, request, ctx.run_id))
        if not ours:
            return {"runId": run_id, "skipped": "another engine or an earlier execution has this run"}

        record = in_terms_of_inngest(ctx.attempt, patiently, log.record, run_id)
        result = in_terms_of_inngest(ctx.attempt, coder.run, record, InngestStep(ctx, run_id, steps, log))

        ctx.step.run("complete", lambda: in_terms_of_inngest(ctx.attempt, patiently, log.complete, run_id, result))
        outcome = RunComplete(
            run_id=run_id, project_id=request.project_id, title=result["title"], summary=result["summary"]
        )
        ctx.step.send_event("announce", _event(RUN_COMPLETE, run_id, outcome))
        coder.clean_up(run_id)
        return outcome.model_dump(by_alias=True)

    return code_agent_run


def _request(data: Any) -> RunRequested:
    try:
        return RunRequested.model_validate(data)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, fault["loc"])) or "data" for fault in error.errors())
        raise inngest.NonRetriableError(f"bad {RUN_REQUESTED} event: {wrong}", quiet=True) from None


def _event(name: str, run_id: str, data: RunComplete | RunError) -> inngest.Event:
    return inngest.Event(name=name, id=f"{run_id}-{name}", data=data.model_dump(by_alias=True))


def _message(error: Any) -> str:
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)
