"""The shapes of what the routes answer, for /openapi.json. Tests hold real answers against them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class ErrorAnswer(Answer):
    """Every error. Under /api/chat and /agui the protocol's own error event stands beside it."""

    model_config = ConfigDict(extra="allow")

    error: str
    details: Any = None


class Urls(Answer):
    run: str
    events: str
    poll: str
    cancel: str


Status = Literal["queued", "running", "waiting", "complete", "failed", "refused", "cancelled", "timeout", "lost"]


class StartedAnswer(Answer):
    run_id: str
    status: Status
    urls: Urls


class RunEnd(Answer):
    message: str
    code: str | None


class RunAnswer(Answer):
    """Times are milliseconds since the epoch. ``result`` is the `data` of `complete`.

    The engine of a run that waits for its turn in its project is `held`, of one that waits for its user `waiting`.
    """

    run_id: str
    status: Status
    project_id: str
    model: str
    engine: Literal["inngest", "direct", "held", "waiting"]
    created_at: int
    started_at: int | None
    ended_at: int | None
    last_event_id: int
    error: RunEnd | None
    receipt: dict[str, Any] | None
    result: dict[str, Any] | None
    usage: dict[str, Any] | None
    urls: Urls


class MessageAnswer(Answer):
    run_id: str
    message_id: str


class ApprovalAnswer(Answer):
    run_id: str
    approval_id: str
    allow: bool


class PageAnswer(Answer):
    """``next`` is the id to ask after; ``done``: the terminal event is among these or came before."""

    events: list[dict[str, Any]]
    next: int
    done: bool


class ModelAnswer(Answer):
    model_config = ConfigDict(extra="allow")

    id: str


class ModelsAnswer(Answer):
    models: list[ModelAnswer]


class TokenAnswer(Answer):
    """``expiresAt`` in milliseconds since the epoch; one of the ids is there."""

    token: str
    expires_at: int
    can: list[str]
    project_id: str | None = None
    run_id: str | None = None


class ChatCancelAnswer(Answer):
    run_id: str
    status: Status


class LiveAnswer(Answer):
    status: Literal["ok"]


class ReadyAnswer(Answer):
    model_config = ConfigDict(extra="allow")

    status: str
