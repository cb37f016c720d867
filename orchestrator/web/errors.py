"""Every error a caller can meet, as JSON ``{"error", "details"?}`` with the right status."""

from __future__ import annotations

from typing import Any, Final

import flask
from redis.exceptions import OutOfMemoryError, RedisError
from werkzeug.exceptions import HTTPException

from orchestrator.admission import TooManyRuns
from orchestrator.engines.turns import ProjectBusy
from orchestrator.hub import HubUnavailable, TooManyViewers
from orchestrator.idempotency import KeyReused
from orchestrator.logs import get_logger
from orchestrator.owners import UnknownProject
from orchestrator.runlog import LogFull, LogUnavailable, RunMissing, RunUnfinished
from orchestrator.runlog.approvals import AnsweredBefore, UnknownApproval
from orchestrator.runlog.causes import cause
from orchestrator.runlog.inbox import InboxClosed, InboxFull, MessageKeyReused
from orchestrator.runlog.past import PastForgotten, StepNotDone, UnknownStep
from orchestrator.runs import StartUncertain
from orchestrator.web.access_log import NOBODY, path

RETRY_SECONDS: Final = 5

log = get_logger(__name__)


UNKNOWN_RUN: Final = "Unknown or expired run"
UNKNOWN_PROJECT: Final = "Unknown project"
TOLD: Final = ("Allow", "Content-Range")
"""Headers of werkzeug's errors that their answers keep."""


class Problem(Exception):
    """A caller's mistake, or our inability; ``details`` must be JSON.

    ``refused`` is the reason, in a word, why the door stayed shut: such refusals are logged.
    """

    def __init__(
        self,
        status: int,
        error: str,
        details: Any = None,
        headers: dict[str, str] | None = None,
        refused: str | None = None,
    ) -> None:
        super().__init__(error)
        self.status, self.error, self.details, self.headers = status, error, details, headers or {}
        self.refused = refused


def register_error_handlers(app: flask.Flask) -> None:
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(RunMissing, lambda e: answer(404, UNKNOWN_RUN))
    app.register_error_handler(UnknownStep, lambda e: answer(400, str(e), {"steps": e.steps}))
    app.register_error_handler(StepNotDone, lambda e: answer(409, str(e), {"steps": e.steps}))
    app.register_error_handler(PastForgotten, lambda e: answer(409, str(e)))
    app.register_error_handler(LogUnavailable, lambda e: answer(503, str(e), headers=_later()))
    app.register_error_handler(RunUnfinished, lambda e: answer(409, str(e), {"status": e.status}))
    app.register_error_handler(UnknownProject, lambda e: _refuse("not-their-project", 404, UNKNOWN_PROJECT))
    app.register_error_handler(KeyReused, lambda e: answer(422, str(e)))
    app.register_error_handler(MessageKeyReused, lambda e: answer(422, str(e)))
    app.register_error_handler(InboxClosed, lambda e: answer(409, str(e)))
    app.register_error_handler(InboxFull, lambda e: answer(409, str(e)))
    app.register_error_handler(UnknownApproval, lambda e: answer(404, str(e)))
    app.register_error_handler(AnsweredBefore, lambda e: answer(409, str(e), e.first.model_dump(by_alias=True)))
    app.register_error_handler(ProjectBusy, lambda e: answer(409, str(e), {"runId": e.run_id}))
    app.register_error_handler(TooManyRuns, lambda e: _refuse("too-many-runs", 429, str(e), _later()))
    app.register_error_handler(TooManyViewers, lambda e: _refuse("too-many-viewers", 503, str(e), _later()))
    app.register_error_handler(StartUncertain, lambda e: answer(503, str(e), headers=_later()))
    app.register_error_handler(HubUnavailable, lambda e: answer(503, "Redis does not answer", headers=_later()))
    app.register_error_handler(LogFull, lambda e: answer(503, str(e), headers=_later()))
    app.register_error_handler(OutOfMemoryError, lambda e: answer(503, "Redis has no memory left", headers=_later()))
    app.register_error_handler(RedisError, _redis_away)
    app.register_error_handler(Exception, _bug)


def _problem(problem: Problem) -> flask.typing.ResponseReturnValue:
    if problem.refused:
        log_refusal(problem.refused)
    return answer(problem.status, problem.error, problem.details, problem.headers)


def _refuse(
    reason: str, status: int, error: str, headers: dict[str, str] | None = None
) -> flask.typing.ResponseReturnValue:
    log_refusal(reason)
    return answer(status, error, headers=headers)


def log_refusal(reason: str) -> None:
    caller = flask.g.get("caller")
    log.warning("request.refused", reason=reason, caller=caller.name if caller else NOBODY, path=path())


def _http(error: HTTPException) -> flask.typing.ResponseReturnValue:
    said = {name: value for name, value in error.get_headers() if name in TOLD}
    return answer(error.code or 500, error.description or error.name, headers=said)


def answer(
    status: int, error: str, details: Any = None, headers: dict[str, str] | None = None
) -> tuple[flask.Response, int, dict[str, str]]:
    body = {"error": error} if details is None else {"error": error, "details": details}
    return flask.jsonify(body), status, headers or {}


def _later() -> dict[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)}


def _redis_away(error: RedisError) -> flask.typing.ResponseReturnValue:
    log.warning("request.redis_away", path=path(), reason=cause(error))
    return answer(503, "Redis does not answer", headers=_later())


def _bug(error: Exception) -> flask.typing.ResponseReturnValue:
    log.exception("request.crashed", path=path())
    return answer(500, "Internal error")
