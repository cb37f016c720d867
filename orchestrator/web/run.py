"""`/agent/run`: start runs, watch them, ask about them, cancel them; also under `/api`, for existing frontends."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Final

import flask

from agent.models.catalog import Catalog
from orchestrator.hub import Follower, Hub, Stream, Viewer
from orchestrator.runlog import RunLog, RunRecord
from orchestrator.runs import Prompt, Runs, StartUncertain
from orchestrator.settings import Settings
from orchestrator.web import inputs
from orchestrator.web.callers import Door, caller
from orchestrator.web.grants import Action, Grant, Tokens
from orchestrator.web.streams import event_page, event_stream, framer

STREAM_TOKEN_SECONDS: Final = 3600
"""How long after a run's time a token of its POST still opens it."""


@dataclass(frozen=True)
class RunRoutes:
    """The views; what they need is theirs, nothing is global."""

    settings: Settings
    models_offered: Catalog
    log: RunLog
    hub: Hub
    follower: Follower
    runs: Runs
    door: Door
    tokens: Tokens

    def blueprint(self, name: str) -> flask.Blueprint:
        routes = flask.Blueprint(name, __name__)
        routes.before_request(self.door.check)
        routes.after_request(_name_run)
        routes.post("/agent/run")(self.start)
        routes.get("/agent/run/<run_id>")(self.show)
        routes.get("/agent/run/<run_id>/events")(self.events)
        routes.get("/agent/run/<run_id>/poll")(self.poll)
        routes.post("/agent/run/<run_id>/cancel")(self.cancel)
        routes.get("/agent/models")(self.models)
        return routes

    def start(self) -> flask.typing.ResponseReturnValue:
        prompt = inputs.prompt(
            [model["id"] for model in self._models()],
            self.settings.agent_max_body_bytes,
            self.settings.agent_max_value_chars,
        )
        key, after = inputs.idempotency_key(), inputs.cursor()
        self.door.project(prompt.project_id)
        run_id, is_new = self.runs.find(prompt, caller().name, key)
        if inputs.wants_json():
            self._make(run_id, prompt, is_new)
            record = self.log.record(run_id)
            return {"runId": run_id, "status": record.status, "urls": _urls(run_id)}, 202
        # The viewer's place comes first: a run that nobody can watch must not be started, and paid, for a 503.
        viewer = self.follower.attach(run_id)
        try:
            self._make(run_id, prompt, is_new)
            # Whatever a client has seen before a run is new was of another one.
            stream = self._open(run_id, 0 if is_new else after, viewer, "start")
        except BaseException:
            viewer.close()
            raise
        return event_stream(stream, run_id)

    def _make(self, run_id: str, prompt: Prompt, is_new: bool) -> None:
        """Start the run if it is new. From then on every answer names it, errors too."""
        names = {"X-Run-Id": run_id, "X-Stream-Token": self._stream_token(run_id)}
        try:
            if is_new:
                self.runs.start(run_id, prompt, caller().name)
        except StartUncertain:
            flask.g.run_headers = names
            raise
        flask.g.run_headers = names

    def _stream_token(self, run_id: str) -> str:
        """For the page that started the run: it can come back to it, or cancel it, until some time after its end."""
        expires = int(time.time() + self.settings.agent_run_timeout) + STREAM_TOKEN_SECONDS
        return self.tokens.sign(Grant(caller().name, ("read", "cancel"), expires, run_id=run_id))

    def events(self, run_id: str) -> flask.typing.ResponseReturnValue:
        stream = self._open(inputs.run_id(run_id), inputs.cursor())
        if stream.is_over:
            stream.close()
            return "", 204
        return event_stream(stream, run_id)

    def _open(self, run_id: str, after: int, viewer: Viewer | None = None, action: Action = "read") -> Stream:
        stream = self.follower.open(run_id, after, framer(), viewer)
        try:
            self.door.run(run_id, stream.owner, action)
            inputs.check_cursor(after, stream.last)
        except BaseException:
            stream.close()
            raise
        return stream

    def poll(self, run_id: str) -> flask.typing.ResponseReturnValue:
        after, wait = inputs.cursor(), inputs.poll_wait()
        inputs.check_cursor(after, self._record(run_id, "read").last)
        return event_page(self.log, self.hub, run_id, after, wait)

    def show(self, run_id: str) -> flask.typing.ResponseReturnValue:
        return self._describe(self._record(run_id, "read"))

    def _record(self, run_id: str, action: Action) -> RunRecord:
        record = self.log.record(inputs.run_id(run_id))
        self.door.run(run_id, record.owner, action)
        return record

    def cancel(self, run_id: str) -> flask.typing.ResponseReturnValue:
        self._record(run_id, "cancel")
        record = self.runs.cancel(run_id, caller().name)
        return self._describe(record), 202 if record.status == "cancelled" else 200

    def models(self) -> flask.typing.ResponseReturnValue:
        self.door.key_only()
        return {"models": self._models()}

    def _models(self) -> list[dict[str, Any]]:
        return [model.model_dump(by_alias=True) for model in self.models_offered.available()]

    def _describe(self, record: RunRecord) -> dict[str, Any]:
        end = json.loads(self.log.end_event(record.run_id) or b"{}") if record.ended else {}
        result = end.get("data") if record.status == "complete" else None
        return {
            "runId": record.run_id,
            "status": record.status,
            "projectId": record.fields.get("projectId"),
            "model": record.fields.get("model"),
            "engine": record.fields.get("engine"),
            "createdAt": record.time("createdAt"),
            "startedAt": record.time("startedAt"),
            "endedAt": record.time("endedAt"),
            "lastEventId": record.last,
            "error": {"message": end["data"], "code": end.get("code")} if end.get("type") == "error" else None,
            "receipt": end.get("receipt"),
            "result": result,
            "usage": result.get("usage") if result else None,
            "urls": _urls(record.run_id),
        }


def _name_run(response: flask.Response) -> flask.Response:
    response.headers.update(flask.g.get("run_headers", {}))
    return response


def _urls(run_id: str) -> dict[str, str]:
    base = f"/agent/run/{run_id}"
    return {"run": base, "events": f"{base}/events", "poll": f"{base}/poll", "cancel": f"{base}/cancel"}
