"""`/agui`: a run as an AG-UI client starts and watches it. A thread is a project, the client's run id is the run's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import flask
from ag_ui.core import ResumeEntry, RunAgentInput, TextInputContent, UserMessage

from agent.messages import Approval
from agent.models.catalog import Catalog
from orchestrator.formats import Translated
from orchestrator.formats.ag_ui import AgUiStream
from orchestrator.hub import Stream
from orchestrator.hub.frames import frame_data
from orchestrator.settings import Settings
from orchestrator.web import conversation, inputs
from orchestrator.web.access import RunAccess
from orchestrator.web.bodies import body
from orchestrator.web.errors import Problem
from orchestrator.web.streams import event_stream

CODES: Final = {400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "not-found", 429: "too-many"}


@dataclass(frozen=True)
class AgUiRoutes:
    settings: Settings
    models: Catalog
    access: RunAccess

    def blueprint(self) -> flask.Blueprint:
        routes = flask.Blueprint("agui", __name__)
        self.access.guard(routes)
        routes.after_request(conversation.errors_as(_run_error))
        routes.post("/agui")(self.run)
        return routes

    def run(self) -> flask.typing.ResponseReturnValue:
        """Start the run that the client's run id names, or attach to it."""
        asked = body(RunAgentInput, self.settings.agent_max_chat_bytes)
        if asked.resume:
            return self._resume(asked, asked.resume)
        if not inputs.RUN_ID.fullmatch(asked.run_id):
            raise Problem(400, "runId must have 1 to 64 letters, digits, - and _")
        props = asked.forwarded_props if isinstance(asked.forwarded_props, dict) else {}
        prompt = conversation.prompt(self.settings, self.models, asked.thread_id, _last_words(asked), props)
        run_id, is_new = self.access.find(prompt, f"agui:{asked.run_id}", asked.run_id)
        if not is_new:
            self.access.record(run_id, "read")  # ids are the clients' own: it may be another caller's
        stream = self.access.start_and_open(run_id, prompt, is_new, frame_data)
        return self._stream(asked, run_id, stream, 0 if is_new else stream.last)

    def _resume(self, asked: RunAgentInput, entries: list[ResumeEntry]) -> flask.typing.ResponseReturnValue:
        """Answer what a run asks for, and attach to that run; the same request again only attaches."""
        answers = {entry.interrupt_id: _answer(entry) for entry in entries}
        run_id, _ = conversation.answer(self.access, asked.thread_id, answers)
        stream = self.access.open(run_id, 0, frame_data)
        return self._stream(asked, run_id, stream, stream.last)

    def _stream(self, asked: RunAgentInput, run_id: str, stream: Stream, last: int) -> flask.Response:
        return event_stream(stream, run_id, Translated(AgUiStream(asked, run_id, last)))


def _answer(entry: ResumeEntry) -> Approval:
    """Raises Problem 400."""
    if entry.status == "cancelled":
        return Approval(allow=False)
    approved = entry.payload.get("approved") if isinstance(entry.payload, dict) else None
    if not isinstance(approved, bool):
        raise Problem(400, "The payload of an answer must be {approved: true} or {approved: false}")
    return Approval(allow=approved)


def _last_words(asked: RunAgentInput) -> str:
    """The text of the last user message. Raises Problem 400."""
    users = [message for message in asked.messages if isinstance(message, UserMessage)]
    if not users:
        raise Problem(400, "There is no user message")
    content = users[-1].content
    if isinstance(content, str):
        return content
    texts = [part.text for part in content if isinstance(part, TextInputContent)]
    if len(texts) < len(content):
        raise Problem(400, "Only text can be sent to this agent")
    return "".join(texts)


def _run_error(error: str, status: int) -> dict[str, str]:
    return {"type": "RUN_ERROR", "message": error, "code": CODES.get(status, "failed")}
