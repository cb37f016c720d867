"""The spans of a run: one for the agent, one for each attempt of each step, by the GenAI conventions.

Names and attributes: https://opentelemetry.io/docs/specs/semconv/gen-ai/ (invoke_agent, chat, execute_tool). What
models and users said is in none of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from orchestrator.metrics import kind_of
from orchestrator.runlog import RunRecord
from orchestrator.runlog.journal import StepAttempt, StepRecord
from orchestrator.steps.counting import MODEL_CALL

AGENT: Final = "code-agent"
TOOL_CALL: Final = "tool"
"""The kind of step that runs the tool which the model step of the same number asked for: ``tool-3-1``."""

_SCOPE: Final = InstrumentationScope("runwire")

Attributes = dict[str, str | int | float]


def make_spans(
    record: RunRecord,
    steps: Sequence[StepRecord],
    turns: Mapping[str, Any],
    providers: Mapping[str, str],
    resource: Resource,
) -> list[ReadableSpan]:
    """Of a run that has ended; ``turns``: the results of its model steps, by step. The agent's span is the last.

    ``providers``: model → whose it is; of models that are not configured any more that is not said.
    """
    agent = _context(record.run_id, "")
    ended = record.time("endedAt") or record.time("createdAt") or 0
    spans = [
        ReadableSpan(
            name=_name(step.name, turns),
            context=_context(record.run_id, f"{step.name}/{attempt.number}/{attempt.began}"),
            parent=agent,
            resource=resource,
            attributes=_of_attempt(step, attempt, turns, record) | _provider(step, turns, record, providers),
            kind=SpanKind.CLIENT if kind_of(step.name) == MODEL_CALL else SpanKind.INTERNAL,
            status=_status(attempt.how),
            start_time=_ns(attempt.began),
            end_time=_ns(attempt.ended or ended),
            instrumentation_scope=_SCOPE,
        )
        for step, attempt in _attempts(steps)
    ]
    return [*spans, _agent_span(record, agent, ended, resource)]


def trace_id(run_id: str) -> str:
    """In hexadecimal digits; whoever has the run's id finds its trace."""
    return f"{_context(run_id, '').trace_id:032x}"


def _agent_span(record: RunRecord, context: SpanContext, ended: int, resource: Resource) -> ReadableSpan:
    is_well = record.status == "complete"
    origin = record.origin
    return ReadableSpan(
        name=f"invoke_agent {AGENT}",
        context=context,
        resource=resource,
        attributes=_of_agent(record),
        links=[Link(_context(origin["runId"], ""))] if origin else [],
        status=Status(StatusCode.OK) if is_well else Status(StatusCode.ERROR, record.brief.get("error")),
        start_time=_ns(record.time("createdAt") or ended),
        end_time=_ns(ended),
        instrumentation_scope=_SCOPE,
    )


def _attempts(steps: Sequence[StepRecord]) -> Iterator[tuple[StepRecord, StepAttempt]]:
    for step in steps:
        if not step.is_taken:  # the trace of the run that made it has it
            yield from ((step, attempt) for attempt in step.attempts)


def _name(step: str, turns: Mapping[str, Any]) -> str:
    kind = kind_of(step)
    if kind == MODEL_CALL:
        return f"chat {(turns.get(step) or {}).get('model') or ''}".rstrip()
    if kind == TOOL_CALL:
        return f"execute_tool {_call(step, turns).get('name') or ''}".rstrip()
    return f"step {kind}"


def _of_agent(record: RunRecord) -> Attributes:
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": AGENT,
        "gen_ai.conversation.id": record.fields.get("projectId", ""),
        "gen_ai.request.model": record.fields.get("model", ""),
        **_usage(record.brief.get("usage") or {}),
        "runwire.run.id": record.run_id,
        "runwire.engine": record.fields.get("engine", ""),
        "runwire.end": record.brief.get("outcome") or record.status,
        "runwire.moves": record.moves,
        **({} if record.status == "complete" else {"error.type": record.status}),
    }


def _of_attempt(step: StepRecord, attempt: StepAttempt, turns: Mapping[str, Any], record: RunRecord) -> Attributes:
    said: Attributes = {"runwire.run.id": record.run_id, "runwire.step": step.name, "runwire.attempt": attempt.number}
    kind = kind_of(step.name)
    turn = (turns.get(step.name) or {}) if attempt.how == "done" else {}
    if kind == MODEL_CALL:
        said |= {"gen_ai.operation.name": "chat", "gen_ai.request.model": record.fields.get("model", "")}
        if turn:
            said |= {"gen_ai.response.model": turn.get("model", ""), **_usage(turn.get("usage") or {})}
            said["runwire.stop"] = turn.get("stop", "")
    elif kind == TOOL_CALL:
        call = _call(step.name, turns)
        said |= {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": call.get("name", "")}
        said |= {"gen_ai.tool.call.id": call.get("id", ""), "gen_ai.tool.type": "function"}
    if step.size is not None and attempt.how == "done":
        said["runwire.result.bytes"] = step.size
    if attempt.how not in ("done", "waiting"):
        said["error.type"] = attempt.how if attempt.how != "running" else record.status
    return said


def _provider(
    step: StepRecord, turns: Mapping[str, Any], record: RunRecord, providers: Mapping[str, str]
) -> Attributes:
    if kind_of(step.name) != MODEL_CALL:
        return {}
    model = (turns.get(step.name) or {}).get("model") or record.fields.get("model", "")
    return {"gen_ai.provider.name": providers[model]} if model in providers else {}


def _usage(usage: Mapping[str, Any]) -> Attributes:
    names = {
        "inputTokens": "gen_ai.usage.input_tokens",
        "outputTokens": "gen_ai.usage.output_tokens",
        "cachedTokens": "gen_ai.usage.cache_read.input_tokens",
        "cost": "runwire.cost",
    }
    return {names[name]: value for name, value in usage.items() if name in names}


def _call(step: str, turns: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the model asked for in the step ``tool-<turn>-<number>``."""
    turn, number = step.removeprefix(f"{TOOL_CALL}-").split("-")
    calls = (turns.get(f"{MODEL_CALL}-{turn}") or {}).get("toolCalls") or []
    return calls[int(number) - 1] if int(number) <= len(calls) else {}


def _status(how: str) -> Status:
    if how in ("done", "waiting"):
        return Status(StatusCode.OK)
    return Status(StatusCode.ERROR, {"running": "the run ended meanwhile"}.get(how, how))


def _context(run_id: str, span: str) -> SpanContext:
    """Ids that are the same whoever makes them."""
    trace = hashlib.sha256(run_id.encode()).digest()[:16]
    own = hashlib.sha256(f"{run_id}/{span}".encode()).digest()[:8]
    return SpanContext(
        int.from_bytes(trace), int.from_bytes(own), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _ns(ms: int) -> int:
    return ms * 1_000_000
