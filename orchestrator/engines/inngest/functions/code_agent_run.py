"""`code-agent-run`: runs the code agent for one prompt.

Trigger: ``code-agent/run.requested``.
Flow:    claim → the agent's steps (prepare, model-…, tool-…, check-…, finish) → complete → announce.
Moved:   a run that goes on elsewhere (another engine, a later event) is settled here: the function returns.
Failure: the run ends with ``error``; ``code-agent/run.error`` is sent. Not where nothing of the run has failed.
Cancel:  ``code-agent/run.cancelled`` with the same runId.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import inngest
from pydantic import ValidationError

from agent import templates
from orchestrator.engines.inngest.functions.dependencies import Dependencies
from orchestrator.engines.inngest.functions.ending import end_run
from orchestrator.engines.inngest.step import Disturbed, InngestStep, execution_of, in_terms_of_inngest
from orchestrator.events import (
    RUN_CANCELLED,
    RUN_COMPLETE,
    RUN_ERROR,
    RUN_REQUESTED,
    RunComplete,
    RunError,
    RunRequested,
)
from orchestrator.logs import get_logger
from orchestrator.patience import patiently
from orchestrator.project_ids import BadProjectId, check_new
from orchestrator.runlog import RunMoved
from orchestrator.steps.retry import RETRIES

logger = get_logger(__name__)

FUNCTION_ID: Final = "code-agent-run"

INNGESTS_OWN_NAMES: Final = ("Error", "Server returned a fatal error")
"""Of errors, as its server names those that no SDK has reported (pkg/execution/state/driver_response.go)."""


def make(client: inngest.Inngest, dependencies: Dependencies) -> inngest.Function[Any]:
    log, steps, coder = dependencies.log, dependencies.steps, dependencies.coder

    def on_failure(ctx: inngest.ContextSync) -> None:
        """All retries are used up, or an error said not to retry."""
        original: Any = ctx.event.data.get("event")
        request = _request(original.get("data") if isinstance(original, dict) else None)
        error: Any = ctx.event.data.get("error")
        if _is_no_failure(error):
            logger.warning("inngest.gave_up", run_id=request.run_id, error=log.redact(_message(error)))
            return  # nothing is wrong with the run: it stands still, and the watch gives it to an engine again
        message = log.redact(_message(error))
        end = partial(end_run, dependencies, request, ctx.event.data.get("run_id"), message, "failed")
        status = ctx.step.run("end", lambda: in_terms_of_inngest(ctx.attempt, end))
        if status not in ("complete", "moved"):
            data = {"runId": request.run_id, "projectId": request.project_id, "error": message, "code": status}
            ctx.step.send_event("announce", _event(RUN_ERROR, request.run_id, RunError.model_validate(data)))

    def _claim(request: RunRequested, execution: str) -> bool:
        if not patiently(log.exists, request.run_id):
            _check(request, dependencies.most_chars)  # somebody has sent it to Inngest directly
        caller = patiently(dependencies.owners.take, request.project_id, dependencies.caller_of_events)
        if patiently(log.create, request, "inngest", "Accepted from Inngest, which runs the steps", caller):
            patiently(log.queue.reserve, "inngest", request.run_id, 0)
            patiently(log.index.add_one, caller, request.project_id, request.run_id)
        try:
            return patiently(log.claim, request.run_id, execution, request.generation)
        except RunMoved:
            return False

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
        execution = execution_of(ctx.run_id)
        if not ctx.step.run("claim", lambda: in_terms_of_inngest(ctx.attempt, _claim, request, execution)):
            return _settled(run_id)

        record = in_terms_of_inngest(ctx.attempt, patiently, log.record, run_id)
        try:
            step = InngestStep(ctx, run_id, execution, steps, log)
            result = in_terms_of_inngest(ctx.attempt, coder.run, record, step)
        except RunMoved:
            coder.leave(run_id)
            return _settled(run_id)

        ctx.step.run("complete", lambda: in_terms_of_inngest(ctx.attempt, patiently, log.complete, run_id, result))
        outcome = RunComplete(
            run_id=run_id,
            project_id=request.project_id,
            **{name: result[name] for name in ("title", "summary", "outcome", "missing")},
        )
        ctx.step.send_event("announce", _event(RUN_COMPLETE, run_id, outcome))
        coder.clean_up(run_id)
        return outcome.model_dump(by_alias=True)

    return code_agent_run


def _settled(run_id: str) -> dict[str, Any]:
    return {"runId": run_id, "skipped": "another engine or another execution has this run"}


def _request(data: Any) -> RunRequested:
    """What an event asks for, held to the same as a POST: anybody with the event key can send one."""
    try:
        request = RunRequested.model_validate(data)
        check_new(request.project_id)
    except ValidationError as error:
        raise _bad(", ".join(".".join(map(str, fault["loc"])) or "data" for fault in error.errors())) from None
    except BadProjectId as error:
        raise _bad(str(error)) from None
    if request.framework not in (None, *templates.NAMES):
        raise _bad(f"framework must be one of {', '.join(templates.NAMES)}")
    return request


def _check(request: RunRequested, most_chars: int) -> None:
    if not request.value.strip() or len(request.value) > most_chars:
        raise _bad(f"value must have 1 to {most_chars} characters, and not only blanks")


def _bad(what: str) -> inngest.NonRetriableError:
    return inngest.NonRetriableError(f"bad {RUN_REQUESTED} event: {what}", quiet=True)


def _event(name: str, run_id: str, data: RunComplete | RunError) -> inngest.Event:
    return inngest.Event(name=name, id=f"{run_id}-{name}", data=data.model_dump(by_alias=True))


def _is_no_failure(error: Any) -> bool:
    """Whether nothing of the run has failed: Inngest got no answer of ours, or only that a step was disturbed.

    The SDK names each error by its Python class. Where it was not heard Inngest's own names stand (seen with a real
    server: refused, cut, 404, 502 and 503 of a router, its 200 with a page, no worker connected).
    """
    return isinstance(error, dict) and error.get("name") in (*INNGESTS_OWN_NAMES, Disturbed.__name__)


def _message(error: Any) -> str:
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)
