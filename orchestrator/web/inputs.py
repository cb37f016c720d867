"""Reads what callers send; anything wrong becomes a Problem before it can change anything."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final, get_args

import flask
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic.alias_generators import to_camel
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from agent import messages, templates
from agent.messages import Approval
from orchestrator.engines.turns import OnConflict
from orchestrator.idempotency import KEY_LONGEST
from orchestrator.project_ids import BadProjectId, check_new, check_readable
from orchestrator.runlog.index import Cursor
from orchestrator.runlog.record import END_STATUSES
from orchestrator.runs import Fork, Prompt
from orchestrator.web.bodies import body
from orchestrator.web.errors import Problem
from orchestrator.web.here import this_request

MISSING: Final = "Missing required fields: projectId and value"
ON_CONFLICT: Final = get_args(OnConflict)
PAGE_RUNS: Final = 50
PAGE_RUNS_MOST: Final = 200
STATUSES: Final = ("queued", "running", "waiting", *sorted(END_STATUSES))
POLL_LONGEST: Final = 60.0
"""Seconds; above the 55 s that platform routers allow, so that their limit is the caller's to know."""

_NUMBER: Final = re.compile(r"[0-9]{1,15}", re.ASCII)
RUN_ID: Final = re.compile(messages.RUN_ID)


def project_id(given: str) -> str:
    """Of a project that there may be. Raises Problem 400."""
    return _project_id(check_readable, given)


def _new_project_id(given: str) -> str:
    return _project_id(check_new, given)


def _project_id(check: Callable[[str], None], given: str) -> str:
    try:
        check(given)
    except BadProjectId as error:
        raise Problem(400, str(error)) from None
    return given


def _on_conflict(given: Any) -> Any:
    if given not in ON_CONFLICT:
        raise Problem(400, f"onConflict must be one of {', '.join(ON_CONFLICT)}", {"got": given})
    return given


def _framework(given: Any) -> Any:
    if given is not None and given not in templates.NAMES:
        known = ", ".join(templates.NAMES)
        raise Problem(400, f"framework must be one of {known}", {"frameworks": list(templates.NAMES)})
    return given


ProjectId = Annotated[str, AfterValidator(_new_project_id)]
Framework = Annotated[str | None, BeforeValidator(_framework)]
"""The template that an empty project begins with."""


class PromptBody(BaseModel):
    """The body of POST /agent/run; what else it holds is ignored, as existing frontends send more."""

    model_config = ConfigDict(frozen=True, strict=True, alias_generator=to_camel)

    project_id: ProjectId
    value: str
    model: str | None = None
    framework: Framework = None
    on_conflict: Annotated[OnConflict, BeforeValidator(_on_conflict)] = "queue"

    @model_validator(mode="before")
    @classmethod
    def _nothing_missing(cls, body: dict[str, Any]) -> dict[str, Any]:
        given = [body.get("projectId"), body.get("value")]
        if any(one is None or (isinstance(one, str) and not one.strip()) for one in given):
            raise Problem(400, MISSING)
        return body


class MessageBody(BaseModel):
    """The body of POST /agent/run/<runId>/messages."""

    model_config = ConfigDict(frozen=True, strict=True)

    value: str


class ApprovalBody(BaseModel):
    """The body of POST /agent/run/<runId>/approvals/<approvalId>."""

    model_config = ConfigDict(frozen=True, strict=True)

    allow: bool
    reason: str | None = None


class ForkBody(BaseModel):
    """The body of POST /agent/run/<runId>/fork; ``value`` is what the user adds, before the first step the prompt."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    step: str
    value: str | None = None
    model: str | None = None


def fork(models: list[str], max_bytes: int, max_chars: int) -> Fork:
    """From where, and how, another run is to go on. Raises Problem 400 or 413."""
    given = body(ForkBody, max_bytes)
    if given.value is not None and not given.value.strip():
        raise Problem(400, "value must not be blank: leave it out where there is nothing to add")
    check_length(given.value or "", max_chars)
    _check_model(given.model, models)
    return Fork(step=given.step, value=given.value, model=given.model)


def approval(max_bytes: int, max_chars: int) -> Approval:
    """The user's answer to what a run has asked for. Raises Problem 400 or 413."""
    given = body(ApprovalBody, max_bytes)
    reason = (given.reason or "").strip()
    check_length(reason, max_chars, "reason")
    return Approval(allow=given.allow, reason=reason)


def message(max_bytes: int, max_chars: int) -> str:
    """What the user says to a run. Raises Problem 400 or 413."""
    value = body(MessageBody, max_bytes).value
    if not value.strip():
        raise Problem(400, "Missing required field: value")
    check_length(value, max_chars)
    return value


def check_length(value: str, max_chars: int, name: str = "value") -> None:
    """Raises Problem 400."""
    if len(value) > max_chars:
        raise Problem(400, f"{name} is too long", {"characters": len(value), "allowed": max_chars})


def prompt(models: list[str], max_bytes: int, max_chars: int) -> Prompt:
    """The prompt that was posted. Raises Problem 400 or 413."""
    return checked(body(PromptBody, max_bytes), models, max_chars)


def checked(asked: PromptBody, models: list[str], max_chars: int) -> Prompt:
    """The same, if it can be run. Raises Problem 400."""
    check_length(asked.value, max_chars)
    _check_model(asked.model, models)
    return Prompt(
        project_id=asked.project_id,
        value=asked.value,
        model=asked.model or "auto",
        framework=asked.framework,
        on_conflict=asked.on_conflict,
    )


def _check_model(model: str | None, models: list[str]) -> None:
    if model is not None and model not in models:
        raise Problem(400, f"Unknown model {model!r}", {"models": models})


def idempotency_key() -> str | None:
    key = this_request().headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= KEY_LONGEST and key.isprintable()):
        raise Problem(400, f"Idempotency-Key must have 1 to {KEY_LONGEST} printable characters")
    return key


def run_id(given: str) -> str:
    if not RUN_ID.fullmatch(given):
        raise Problem(404, "Unknown or expired run")
    return given


def cursor() -> int:
    """The id after which to go on: `Last-Event-ID`, else `?after=`, else 0."""
    request = this_request()
    name, given = "Last-Event-ID", request.headers.get("Last-Event-ID", "")
    if not given and request.query_string:
        name, given = "after", request.args.get("after", "")
    if not given:
        return 0
    if not _NUMBER.fullmatch(given):
        raise Problem(400, f"{name} must be the id of an event: a number from 0, got {given[:40]!r}")
    return int(given)


def check_cursor(after: int, last: int) -> None:
    if after > last:
        raise Problem(400, f"There is no event {after} yet: the run's last one is {last}", {"last": last})


def statuses() -> frozenset[str]:
    """`?status=`: some of a run's; empty where all are wanted."""
    named = ",".join(flask.request.args.getlist("status")).split(",")
    given = frozenset(filter(None, map(str.strip, named)))
    if unknown := sorted(given - set(STATUSES)):
        raise Problem(400, f"Unknown status {unknown[0][:40]!r}", {"statuses": list(STATUSES)})
    return given


def before() -> Cursor | None:
    """`?before=`: a place in a list of runs."""
    given = flask.request.args.get("before", "")
    place = Cursor.parse(given) if given else None
    if given and place is None:
        raise Problem(400, f"before must be the `next` of a page or milliseconds, got {given[:40]!r}")
    return place


def limit() -> int:
    """`?limit=`: runs of a page."""
    given = flask.request.args.get("limit", str(PAGE_RUNS))
    if not _NUMBER.fullmatch(given) or not 1 <= int(given) <= PAGE_RUNS_MOST:
        raise Problem(400, f"limit must be a number from 1 to {PAGE_RUNS_MOST}, got {given[:40]!r}")
    return int(given)


def poll_wait() -> float:
    """`?wait=` in seconds."""
    given = flask.request.args.get("wait", "0")
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= POLL_LONGEST:
        raise Problem(400, f"wait must be a number of seconds from 0 to {POLL_LONGEST:.0f}, got {given[:40]!r}")
    return seconds


def wants_json() -> bool:
    return _accepts() == "application/json"


def wants_ids() -> bool:
    """EventSource and its like say so; the existing frontends say nothing and take frames that are only data."""
    return _accepts() == "text/event-stream"


def _accepts() -> str | None:
    return _preferred(this_request().headers.get("Accept", ""))


@lru_cache(maxsize=256)
def _preferred(accept: str) -> str | None:
    given = parse_accept_header(accept, MIMEAccept)
    accepted = [(quality, kind.lower()) for kind, quality in given if quality > 0]
    named = [(quality, kind) for quality, kind in accepted if kind in ("text/event-stream", "application/json")]
    return max(named, key=lambda entry: entry[0])[1] if named else None
