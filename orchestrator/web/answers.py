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

    ``framework`` is the template asked for; what was built is in the result. The engine of a run that waits for its
    turn in its project is `held`, of one that waits for its user `waiting`.
    """

    run_id: str
    status: Status
    project_id: str
    value: str
    model: str
    framework: str | None
    engine: Literal["inngest", "direct", "held", "waiting"]
    created_at: int
    started_at: int | None
    ended_at: int | None
    last_event_id: int
    error: RunEnd | None
    receipt: dict[str, Any] | None
    result: dict[str, Any] | None
    usage: dict[str, Any] | None
    origin: Origin | None
    urls: Urls


class Origin(Answer):
    """From which run this one goes on, with which ``step``, and how many finished ``steps`` it has taken over.

    ``usage``: what these had used up. It is part of the run's own, and was paid once.
    """

    kind: Literal["fork", "retry"]
    run_id: str
    step: str | None
    steps: int
    usage: dict[str, Any] | None


class BranchAnswer(Answer):
    """A new run, which goes on from another."""

    run_id: str
    status: Status
    origin: Origin
    urls: Urls


class RunSummary(Answer):
    """A run in a list; ``title`` is the first line of its prompt, ``error`` the message that ended it, shortened."""

    run_id: str
    project_id: str
    title: str | None
    status: Status
    outcome: Literal["done", "partial", "nothing-to-do"] | None
    error: str | None
    model: str
    engine: Literal["inngest", "direct", "held", "waiting"]
    created_at: int
    started_at: int | None
    ended_at: int | None
    last_event_id: int
    usage: dict[str, Any] | None
    origin: Origin | None
    urls: Urls


class RunsAnswer(Answer):
    """The newest first. ``next``: to ask ``before`` for what follows; null where nothing does."""

    runs: list[RunSummary]
    next: str | None


class AttemptAnswer(Answer):
    """Times are milliseconds since the epoch. ``rolledBack``: the first and the last id that were taken back.

    ``waiting``: it gave itself up until its user answers. What a run's end cut off has ended like the run.
    """

    number: int
    began_at: int
    ended_at: int | None
    end: Literal["done", "failed", "interrupted", "waiting", "refused", "cancelled", "timeout", "lost"] | None
    rolled_back: list[int] | None


class StepAnswer(Answer):
    """``takenOver``: another run has made it. ``usage`` and ``model`` of a model call; ``resultBytes`` as it is stored.

    ``stopped``: the run ended before it was done.
    """

    name: str
    kind: str
    state: Literal["done", "running", "retrying", "waiting", "stopped"]
    taken_over: bool
    began_at: int
    ended_at: int | None
    attempts: list[AttemptAnswer]
    result_bytes: int | None
    usage: dict[str, Any] | None
    model: str | None


class StepsAnswer(Answer):
    """In the order in which they were done; those that are not done are the last."""

    run_id: str
    status: Status
    steps: list[StepAnswer]


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


class FileAnswer(Answer):
    """``size`` in bytes, ``hash``: SHA-256 of the content. A link's content is its ``target``."""

    path: str
    kind: Literal["file", "executable", "link"]
    size: int
    hash: str
    target: str | None = None


class ProjectUrls(Answer):
    project: str
    files: str
    zip: str


class ProjectBrief(Answer):
    """``usedAt``: when its latest run was started, in ms; ``latestRunId``: the run that saved its files last.

    ``storedBytes`` counts each content once, with those that earlier runs may still be compared with.
    """

    project_id: str
    used_at: int | None
    latest_run_id: str | None
    stored_bytes: int
    urls: ProjectUrls


class ProjectsAnswer(Answer):
    """The latest used first; ``next`` is the `before` of the next page."""

    projects: list[ProjectBrief]
    next: str | None


class RunOfProject(Answer):
    run_id: str
    status: Status
    created_at: int
    ended_at: int | None
    urls: dict[str, str]


class DoneAnswer(Answer):
    prompt: str
    outcome: str
    summary: str


class ProjectAnswer(ProjectBrief):
    """``bytes``: of the files together. ``history``: what the next run's model is told, oldest first."""

    bytes: int
    files: list[FileAnswer]
    runs: list[RunOfProject]
    history: list[DoneAnswer]


class DifferentSide(Answer):
    kind: Literal["file", "executable", "link"]
    size: int
    hash: str


class DifferenceAnswer(Answer):
    """``diff``: unified, or None with the reason in ``omitted``, such as `binary`."""

    path: str
    change: Literal["added", "changed", "deleted"]
    before: DifferentSide | None
    after: DifferentSide | None
    diff: str | None
    omitted: str | None


class DiffAnswer(Answer):
    run_id: str
    project_id: str
    added: int
    changed: int
    deleted: int
    files: list[DifferenceAnswer]


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
