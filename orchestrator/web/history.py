"""What there is of runs, over and under way: `/agent/runs`, and a run's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import flask

from agent.models.catalog import Catalog
from orchestrator.metrics import kind_of
from orchestrator.runlog import RunRecord
from orchestrator.runlog.journal import StepAttempt, StepRecord
from orchestrator.settings import Settings
from orchestrator.steps.counting import MODEL_CALL
from orchestrator.web import inputs
from orchestrator.web.access import RunAccess
from orchestrator.web.callers import caller
from orchestrator.web.run import urls

Shown = dict[str, Any]


@dataclass(frozen=True)
class HistoryRoutes:
    settings: Settings
    models_offered: Catalog
    access: RunAccess

    def blueprint(self, name: str) -> flask.Blueprint:
        routes = flask.Blueprint(name, __name__)
        self.access.guard(routes)
        routes.get("/agent/runs")(self.list_runs)
        routes.get("/agent/run/<run_id>/steps")(self.steps)
        routes.post("/agent/run/<run_id>/retry")(self.retry)
        routes.post("/agent/run/<run_id>/fork")(self.fork)
        routes.delete("/agent/run/<run_id>")(self.remove)
        return routes

    def list_runs(self) -> flask.typing.ResponseReturnValue:
        given = flask.request.args.get("projectId")
        project_id = self.access.door.listing(inputs.project_id(given) if given is not None else None)
        statuses, before, limit = inputs.statuses(), inputs.before(), inputs.limit()
        chunk = {} if statuses else {"chunk": limit + 1}
        page = self.access.log.index.page(
            caller().name, project_id, lambda run: not statuses or run.status in statuses, before, limit, **chunk
        )
        return {"runs": [_summary(run) for run in page.runs], "next": str(page.next) if page.next else None}

    def steps(self, run_id: str) -> flask.typing.ResponseReturnValue:
        record = self.access.record(run_id, "read")
        steps = self.access.log.journal.read(run_id)
        calls = [step.name for step in steps if step.is_done and kind_of(step.name) == MODEL_CALL]
        turns = self.access.log.some_results(run_id, calls)
        return {
            "runId": run_id,
            "status": record.status,
            "steps": [_step(step, record, turns.get(step.name) or {}) for step in steps],
        }

    def retry(self, run_id: str) -> flask.typing.ResponseReturnValue:
        record = self.access.retry(run_id, inputs.idempotency_key())
        return _branched(record), 202

    def fork(self, run_id: str) -> flask.typing.ResponseReturnValue:
        limits = self.settings.agent_max_body_bytes, self.settings.agent_max_value_chars
        asked = inputs.fork(self.models_offered.ids, *limits)
        record = self.access.fork(run_id, asked, inputs.idempotency_key())
        return _branched(record), 202

    def remove(self, run_id: str) -> flask.typing.ResponseReturnValue:
        self.access.remove(run_id)
        return "", 204


def _branched(record: RunRecord) -> Shown:
    return {
        "runId": record.run_id,
        "status": record.status,
        "origin": record.origin,
        "urls": urls(record.run_id),
    }


def _summary(record: RunRecord) -> Shown:
    end = record.brief
    return {
        "runId": record.run_id,
        "projectId": record.fields.get("projectId"),
        "title": record.fields.get("title"),
        "status": record.status,
        "outcome": end.get("outcome"),
        "error": end.get("error"),
        "model": record.fields.get("model"),
        "engine": record.fields.get("engine"),
        "createdAt": record.time("createdAt"),
        "startedAt": record.time("startedAt"),
        "endedAt": record.time("endedAt"),
        "lastEventId": record.last,
        "usage": end.get("usage"),
        "origin": record.origin,
        "urls": urls(record.run_id),
    }


def _step(step: StepRecord, record: RunRecord, turn: Mapping[str, Any]) -> Shown:
    attempts = [_attempt(attempt, record) for attempt in step.attempts]
    return {
        "name": step.name,
        "kind": kind_of(step.name),
        "state": _state(step, record),
        "takenOver": step.is_taken,
        "beganAt": attempts[0]["beganAt"],
        "endedAt": attempts[-1]["endedAt"] if step.is_done or record.ended else None,
        "attempts": attempts,
        "resultBytes": step.size,
        "usage": turn.get("usage"),
        "model": turn.get("model") or None,
    }


def _state(step: StepRecord, record: RunRecord) -> str:
    if step.is_done:
        return "done"
    if record.ended:
        return "stopped"
    return {"failed": "retrying", "waiting": "waiting"}.get(step.latest.how, "running")


def _attempt(attempt: StepAttempt, record: RunRecord) -> Shown:
    was_cut = attempt.how == "running" and record.ended
    end: str | None = record.status if was_cut else attempt.how
    return {
        "number": attempt.number,
        "beganAt": attempt.began,
        "endedAt": record.time("endedAt") if was_cut else attempt.ended,
        "end": None if end == "running" else end,
        "rolledBack": list(attempt.rolled_back) if attempt.rolled_back else None,
    }
