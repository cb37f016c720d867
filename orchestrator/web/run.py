"""`/agent/run`: start runs, watch them, ask about them, cancel them; also under `/api`, for existing frontends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import flask

from agent.models.catalog import Catalog
from orchestrator.drain import Drain
from orchestrator.hub import Hub
from orchestrator.runlog import RunEnded, RunRecord
from orchestrator.settings import Settings
from orchestrator.web import inputs
from orchestrator.web.access import RunAccess
from orchestrator.web.errors import Problem
from orchestrator.web.streams import event_page, event_stream, framer


@dataclass(frozen=True)
class RunRoutes:
    """The views; what they need is theirs, nothing is global."""

    settings: Settings
    models_offered: Catalog
    hub: Hub
    drain: Drain
    access: RunAccess

    def blueprint(self, name: str) -> flask.Blueprint:
        routes = flask.Blueprint(name, __name__)
        self.access.guard(routes)
        routes.post("/agent/run")(self.start)
        routes.get("/agent/run/<run_id>")(self.show)
        routes.get("/agent/run/<run_id>/events")(self.events)
        routes.get("/agent/run/<run_id>/poll")(self.poll)
        routes.post("/agent/run/<run_id>/cancel")(self.cancel)
        routes.post("/agent/run/<run_id>/messages")(self.steer)
        routes.post("/agent/run/<run_id>/approvals/<approval_id>")(self.approve)
        routes.get("/agent/models")(self.models)
        return routes

    def start(self) -> flask.typing.ResponseReturnValue:
        prompt = inputs.prompt(
            self.models_offered.ids,
            self.settings.agent_max_body_bytes,
            self.settings.agent_max_value_chars,
        )
        key, after = inputs.idempotency_key(), inputs.cursor()
        run_id, is_new = self.access.find(prompt, key)
        if inputs.wants_json():
            self.access.start(run_id, prompt, is_new)
            record = self.access.log.record(run_id)
            return {"runId": run_id, "status": record.status, "urls": urls(run_id)}, 202
        # Whatever a client has seen before a run is new was of another one.
        stream = self.access.start_and_open(run_id, prompt, is_new, framer(), 0 if is_new else after)
        return event_stream(stream, run_id)

    def events(self, run_id: str) -> flask.typing.ResponseReturnValue:
        stream = self.access.open(inputs.run_id(run_id), inputs.cursor(), framer())
        if stream.is_over:
            stream.close()
            return "", 204
        return event_stream(stream, run_id)

    def poll(self, run_id: str) -> flask.typing.ResponseReturnValue:
        after, wait = inputs.cursor(), inputs.poll_wait()
        inputs.check_cursor(after, self.access.record(run_id, "read").last)
        return event_page(self.access.log, self.hub, self.drain, run_id, after, wait)

    def show(self, run_id: str) -> flask.typing.ResponseReturnValue:
        return self._describe(self.access.record(run_id, "read"))

    def cancel(self, run_id: str) -> flask.typing.ResponseReturnValue:
        record = self.access.cancel(run_id)
        return self._describe(record), 202 if record.status == "cancelled" else 200

    def steer(self, run_id: str) -> flask.typing.ResponseReturnValue:
        value = inputs.message(self.settings.agent_max_body_bytes, self.settings.agent_max_value_chars)
        key = inputs.idempotency_key()
        try:
            return {"runId": run_id, "messageId": self.access.steer(run_id, value, key)}, 202
        except RunEnded as error:
            raise Problem(409, "The run has ended", self._end(self.access.log.record(run_id))) from error

    def approve(self, run_id: str, approval_id: str) -> flask.typing.ResponseReturnValue:
        answer = inputs.approval(self.settings.agent_max_body_bytes, self.settings.agent_max_value_chars)
        try:
            self.access.answer(run_id, approval_id, answer)
        except RunEnded as error:
            raise Problem(409, "The run has ended", self._end(self.access.log.record(run_id))) from error
        return {"runId": run_id, "approvalId": approval_id, "allow": answer.allow}, 202

    def models(self) -> flask.typing.ResponseReturnValue:
        self.access.door.key_only()
        return {"models": [model.model_dump(by_alias=True) for model in self.models_offered.available]}

    def _end(self, record: RunRecord) -> dict[str, Any]:
        """How a run has ended, without its result."""
        shown = self._describe(record)
        return {name: shown[name] for name in ("status", "endedAt", "lastEventId", "error")}

    def _describe(self, record: RunRecord) -> dict[str, Any]:
        end = json.loads(self.access.log.end_event(record.run_id) or b"{}") if record.ended else {}
        result = end.get("data") if record.status == "complete" else None
        request = record.request
        return {
            "runId": record.run_id,
            "status": record.status,
            "projectId": record.fields.get("projectId"),
            "value": request.value,
            "model": record.fields.get("model"),
            "framework": request.framework,
            "engine": record.fields.get("engine"),
            "createdAt": record.time("createdAt"),
            "startedAt": record.time("startedAt"),
            "endedAt": record.time("endedAt"),
            "lastEventId": record.last,
            "error": {"message": end["data"], "code": end.get("code")} if end.get("type") == "error" else None,
            "receipt": end.get("receipt"),
            "result": result,
            "usage": result.get("usage") if result else None,
            "origin": record.origin,
            "urls": urls(record.run_id),
        }


def urls(run_id: str) -> dict[str, str]:
    base = f"/agent/run/{run_id}"
    return {"run": base, "events": f"{base}/events", "poll": f"{base}/poll", "cancel": f"{base}/cancel"}
