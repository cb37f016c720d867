"""`/api/chat`: a chat as the AI SDK's `useChat` speaks to it. A chat is a project, an answer is a run."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Final, Literal

import flask
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from agent.models.catalog import Catalog
from orchestrator.events import now_ms
from orchestrator.formats import TranslatedStream
from orchestrator.formats.ai_sdk import HEADERS, UIMessageStream
from orchestrator.hub import Stream
from orchestrator.hub.frames import frame_data
from orchestrator.runlog import RunMissing
from orchestrator.settings import Settings
from orchestrator.web import conversation, inputs
from orchestrator.web.access import RunAccess
from orchestrator.web.errors import Problem
from orchestrator.web.streams import event_stream

PARTS: Final = ("text", "reasoning", "file", "source-url", "source-document", "step-start", "dynamic-tool")
PART_PREFIXES: Final = ("tool-", "data-")
NEWER_PARTS: Final = ("custom", "reasoning-file")

REPLAY_MS: Final = 300_000
"""An answer that has ended this recently is sent again: whoever asks may have been cut off before its end."""

RESETS_SINCE: Final = 7
"""The version of `ai` that can take parts back."""


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


class UIPart(_Model):
    type: str
    text: str | None = None


class UIMessage(_Model):
    id: str = Field(min_length=1, max_length=200)
    role: Literal["system", "user", "assistant"]
    parts: list[UIPart]

    def text(self) -> str:
        return "".join(part.text or "" for part in self.parts if part.type == "text")


class ChatRequest(_Model):
    """What `DefaultChatTransport` sends; `model` may be added by its `body`."""

    id: str = Field(min_length=1)
    messages: list[UIMessage]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: str | None = None
    model: str | None = None


@dataclass(frozen=True)
class ChatRoutes:
    settings: Settings
    models: Catalog
    access: RunAccess

    def blueprint(self) -> flask.Blueprint:
        routes = flask.Blueprint("chat", __name__)
        self.access.guard(routes)
        routes.after_request(conversation.errors_as(lambda error, status: {"type": "error", "errorText": error}))
        routes.post("/api/chat")(self.send)
        routes.get("/api/chat/<chat_id>/stream")(self.resume)
        routes.post("/api/chat/<chat_id>/cancel")(self.cancel)
        return routes

    def send(self) -> flask.typing.ResponseReturnValue:
        """Start a run for the last user message; the same message again attaches to its run."""
        can_reset = _can_reset()
        asked = inputs.body(ChatRequest, self.settings.agent_max_chat_bytes)
        message = _last_words(asked.messages)
        prompt = conversation.prompt(self.settings, self.models, asked.id, message.text(), asked.model)
        key = [asked.id, message.id, prompt.value, prompt.model]
        if asked.trigger == "regenerate-message":
            latest = self.access.runs.latest(asked.id)
            if latest is not None and self._age(latest) == 0:
                return self._stream(self.access.open(latest, 0, frame_data), latest, can_reset)  # the new answer
            key += ["instead of", latest or ""]
        run_id, is_new = self.access.find(prompt, "chat:" + _digest(key))
        stream = self.access.start_and_open(run_id, prompt, is_new, frame_data)
        return self._stream(stream, run_id, can_reset)

    def resume(self, chat_id: str) -> flask.typing.ResponseReturnValue:
        """The chat's latest answer from its start, 204 where there is none to wait for."""
        can_reset, run_id = _can_reset(), self.access.runs.latest(chat_id)
        if run_id is None or self._age(run_id) > REPLAY_MS:
            return "", 204
        return self._stream(self.access.open(run_id, 0, frame_data), run_id, can_reset)

    def cancel(self, chat_id: str) -> flask.typing.ResponseReturnValue:
        run_id = self.access.runs.latest(chat_id)
        if run_id is None:
            raise Problem(404, "Unknown chat")
        record = self.access.cancel(run_id)
        return {"runId": run_id, "status": record.status}, 202 if record.status == "cancelled" else 200

    def _stream(self, stream: Stream, run_id: str, can_reset: bool) -> flask.Response:
        said = TranslatedStream(stream, UIMessageStream(run_id, can_reset=can_reset))
        return event_stream(stream, run_id, said, HEADERS)

    def _age(self, run_id: str) -> float:
        """Milliseconds since the run has ended; 0 while it goes on, infinite where it is no longer stored."""
        try:
            ended = self.access.record(run_id, "read").time("endedAt")
        except RunMissing:
            return math.inf
        return 0 if ended is None else max(1, now_ms() - ended)


def _last_words(messages: list[UIMessage]) -> UIMessage:
    """The last user message. Raises Problem 400."""
    for number, message in enumerate(messages):
        for part in message.parts:
            if part.type not in PARTS + NEWER_PARTS and not part.type.startswith(PART_PREFIXES):
                raise Problem(400, f"Message {number} has a part of the unknown kind {part.type[:40]!r}")
            if part.type == "text" and part.text is None:
                raise Problem(400, f"Message {number} has a text part without text")
    users = [message for message in messages if message.role == "user"]
    if not users:
        raise Problem(400, "There is no user message")
    if any(part.type == "file" for part in users[-1].parts):
        raise Problem(400, "Files cannot be sent to this agent, only text")
    return users[-1]


def _can_reset() -> bool:
    """`X-AI-SDK: 6` or `?ai=6` says that the client is older than the version that can take parts back."""
    given = flask.request.headers.get("X-AI-SDK") or flask.request.args.get("ai") or str(RESETS_SINCE)
    major = given.split(".")[0]
    if not (major.isascii() and major.isdigit() and len(major) < 4):
        raise Problem(400, f"X-AI-SDK must be the version of the client's `ai` package, got {given[:40]!r}")
    return int(major) >= RESETS_SINCE


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
