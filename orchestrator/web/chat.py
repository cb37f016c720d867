"""`/api/chat`: a chat as the AI SDK's `useChat` speaks to it. A chat is a project, an answer is a run."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

import flask
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from agent.messages import Approval
from agent.models.catalog import Catalog
from orchestrator.engines.turns import OnConflict
from orchestrator.formats import Translated
from orchestrator.formats.ai_sdk import HEADERS, RESETS_SINCE, UIMessageStream
from orchestrator.formats.asked import asked_id
from orchestrator.hub import Stream
from orchestrator.hub.frames import frame_data
from orchestrator.runlog import RunEnded, RunMissing
from orchestrator.runlog.approvals import AnsweredBefore
from orchestrator.settings import Settings
from orchestrator.web import conversation, inputs
from orchestrator.web.access import RunAccess
from orchestrator.web.bodies import body
from orchestrator.web.callers import caller
from orchestrator.web.errors import Problem, log_refusal
from orchestrator.web.grants import Action
from orchestrator.web.streams import event_stream

PARTS: Final = ("text", "reasoning", "file", "source-url", "source-document", "step-start", "dynamic-tool")
PART_PREFIXES: Final = ("tool-", "data-")
NEWER_PARTS: Final = ("custom", "reasoning-file", "steering-message")

ANSWERED: Final = "approval-responded"
MOVED_ON: Final = "The user has written something else instead, which comes after this run."


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


class UIApproval(_Model):
    """``id`` names the run, too. ``approved`` is there when the user has answered."""

    id: str
    approved: bool = False
    reason: str | None = None


class UIPart(_Model):
    type: str
    text: str | None = None
    state: str | None = None
    approval: UIApproval | None = None


class UIMessage(_Model):
    id: str = Field(min_length=1, max_length=200)
    role: Literal["system", "user", "assistant"]
    parts: list[UIPart]

    def text(self) -> str:
        return "".join(part.text or "" for part in self.parts if part.type == "text")

    def answers(self) -> dict[str, Approval]:
        """What the user has said to approvals that are not settled, by their ids."""
        said = [part.approval for part in self.parts if part.state == ANSWERED and part.approval is not None]
        return {each.id: Approval(allow=each.approved, reason=(each.reason or "").strip()) for each in said}


class ChatRequest(_Model):
    """What `DefaultChatTransport` sends; `model`, `framework` and `onConflict` may be added by its `body`."""

    id: str = Field(min_length=1)
    messages: list[UIMessage]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: str | None = None
    model: str | None = None
    framework: inputs.Framework = None
    on_conflict: OnConflict | None = None

    def wishes(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, include={"model", "framework", "on_conflict"}, exclude_none=True)


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
        """Start a run for the last user message; the same message again attaches to its run.

        Where the message that it is about is an answer with approvals that the user has responded to, the run gets
        these, and the rest of the answer follows.
        """
        version = _version()
        asked = body(ChatRequest, self.settings.agent_max_chat_bytes)
        _check_parts(asked.messages, self.settings.agent_max_value_chars)
        if answers := _answers(asked):
            return self._go_on(asked.id, answers, version)
        message = _last_words(asked.messages)
        prompt = conversation.prompt(self.settings, self.models, asked.id, message.text(), asked.wishes())
        key = [asked.id, message.id, prompt.value, prompt.model]
        latest = self.access.runs.latest(asked.id)
        if asked.trigger == "regenerate-message":
            if latest is not None and self._is_unfinished(latest):
                return self._watch(latest, version)  # the new answer
            key += ["instead of", latest or ""]
        run_id, is_new = self.access.find(prompt, "chat:" + _digest(key))
        if is_new and latest is not None:
            self._move_on(latest, asked.messages)
        stream = self.access.start_and_open(run_id, prompt, is_new, frame_data)
        last = 0 if is_new else stream.last
        return self._stream(stream, run_id, UIMessageStream(run_id, version=version, last=last))

    def _go_on(self, chat_id: str, answers: dict[str, Approval], version: int) -> flask.Response:
        run_id, shown = conversation.answer(self.access, chat_id, answers)
        stream = self.access.open(run_id, 0, frame_data)
        return self._stream(stream, run_id, UIMessageStream(run_id, version=version, last=stream.last, shown=shown))

    def _move_on(self, run_id: str, messages: list[UIMessage]) -> None:
        """A run that waits for its user would hold up for days what they say instead: it gets its answer."""
        with suppress(RunMissing, RunEnded, AnsweredBefore):
            waits_for = self.access.record(run_id, "start").waits_for
            if waits_for is None:
                return
            said = [message.answers().get(asked_id(run_id, waits_for)) for message in messages]
            given = next((answer for answer in said if answer is not None), None)
            if given is not None:
                self.access.answer(run_id, waits_for, given)
            else:
                self.access.runs.answer(run_id, waits_for, Approval(allow=False, reason=MOVED_ON), caller().name)

    def resume(self, chat_id: str) -> flask.typing.ResponseReturnValue:
        """The chat's latest answer from its start, 204 where there is none.

        Also one that has ended: whoever asks may have been cut off before that, and their machine asleep since.
        """
        version, run_id = _version(), self._latest(chat_id, "read")
        if run_id is None:
            return "", 204
        return self._watch(run_id, version)

    def cancel(self, chat_id: str) -> flask.typing.ResponseReturnValue:
        run_id = self._latest(chat_id, "cancel")
        if run_id is None:
            raise Problem(404, "Unknown chat")
        record = self.access.cancel(run_id)
        return {"runId": run_id, "status": record.status}, 202 if record.status == "cancelled" else 200

    def _latest(self, chat_id: str, action: Action) -> str | None:
        """The chat's latest run; None where there is none, and so where it is another's. Raises Problem 403."""
        run_id = self.access.runs.latest(chat_id)
        if run_id is None:
            return None
        try:
            return self.access.record(run_id, action).run_id
        except RunMissing:
            return None
        except Problem as problem:
            if problem.status != 404:
                raise
            log_refusal(problem.refused or "not-their-run")
            return None

    def _watch(self, run_id: str, version: int) -> flask.Response:
        stream = self.access.open(run_id, 0, frame_data)
        return self._stream(stream, run_id, UIMessageStream(run_id, version=version, last=stream.last))

    def _stream(self, stream: Stream, run_id: str, said: UIMessageStream) -> flask.Response:
        return event_stream(stream, run_id, Translated(said), HEADERS)

    def _is_unfinished(self, run_id: str) -> bool:
        with suppress(RunMissing):
            return not self.access.record(run_id, "read").ended
        return False


def _check_parts(messages: list[UIMessage], max_chars: int) -> None:
    """Raises Problem 400."""
    for number, message in enumerate(messages):
        for part in message.parts:
            if part.type not in PARTS + NEWER_PARTS and not part.type.startswith(PART_PREFIXES):
                raise Problem(400, f"Message {number} has a part of the unknown kind {part.type[:40]!r}")
            if part.type == "text" and part.text is None:
                raise Problem(400, f"Message {number} has a text part without text")
            if part.state == ANSWERED and (part.approval is None or "approved" not in part.approval.model_fields_set):
                raise Problem(400, f"Message {number} has a part that is {ANSWERED} without an approval")
        for answer in message.answers().values():
            inputs.check_length(answer.reason, max_chars, "reason")


def _last_words(messages: list[UIMessage]) -> UIMessage:
    """The last user message. Raises Problem 400."""
    users = [message for message in messages if message.role == "user"]
    if not users:
        raise Problem(400, "There is no user message")
    if any(part.type == "file" for part in users[-1].parts):
        raise Problem(400, "Files cannot be sent to this agent, only text")
    return users[-1]


def _answers(asked: ChatRequest) -> dict[str, Approval]:
    """What the user has said to approvals, where the request is about that and not about new words of theirs."""
    about = [message for message in asked.messages if message.id == asked.message_id] or asked.messages
    if not about or about[-1].role != "assistant" or asked.trigger != "submit-message":
        return {}
    return about[-1].answers()


def _version() -> int:
    """`X-AI-SDK: 6` or `?ai=6`: the version of the client's `ai`, where it is older than the one that takes all."""
    given = flask.request.headers.get("X-AI-SDK") or flask.request.args.get("ai") or str(RESETS_SINCE)
    major = given.split(".")[0]
    if not (major.isascii() and major.isdigit() and len(major) < 4):
        raise Problem(400, f"X-AI-SDK must be the version of the client's `ai` package, got {given[:40]!r}")
    return int(major)


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
