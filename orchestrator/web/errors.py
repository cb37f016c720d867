"""Every error a caller can meet, as JSON ``{"error", "details"?}`` with the right status."""

from __future__ import annotations

import logging
from typing import Any, Final

import flask
from redis.exceptions import OutOfMemoryError, RedisError
from werkzeug.exceptions import HTTPException

from orchestrator.hub import HubUnavailable, TooManyViewers
from orchestrator.idempotency import KeyReused
from orchestrator.runlog import LogFull, RunMissing
from orchestrator.runs import TooManyRuns

RETRY_SECONDS: Final = 5

log = logging.getLogger(__name__)


class Problem(Exception):
    """A caller's mistake, or our inability; ``details`` must be JSON."""

    def __init__(self, status: int, error: str, details: Any = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status, self.error, self.details, self.headers = status, error, details, headers or {}


def register_error_handlers(app: flask.Flask) -> None:
    app.register_error_handler(Problem, lambda e: answer(e.status, e.error, e.details, e.headers))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(RunMissing, lambda e: answer(404, "Unknown or expired run"))
    app.register_error_handler(KeyReused, lambda e: answer(422, str(e)))
    app.register_error_handler(TooManyRuns, lambda e: answer(429, str(e), headers=_later()))
    app.register_error_handler(TooManyViewers, lambda e: answer(503, str(e), headers=_later()))
    app.register_error_handler(HubUnavailable, lambda e: answer(503, "Redis does not answer", headers=_later()))
    app.register_error_handler(LogFull, lambda e: answer(503, str(e), headers=_later()))
    app.register_error_handler(OutOfMemoryError, lambda e: answer(503, "Redis has no memory left", headers=_later()))
    app.register_error_handler(RedisError, _redis_away)
    app.register_error_handler(Exception, _bug)


def _http(error: HTTPException) -> flask.typing.ResponseReturnValue:
    allow = dict(error.get_headers()).get("Allow")
    return answer(error.code or 500, error.description or error.name, headers={"Allow": allow} if allow else None)


def answer(
    status: int, error: str, details: Any = None, headers: dict[str, str] | None = None
) -> tuple[flask.Response, int, dict[str, str]]:
    body = {"error": error} if details is None else {"error": error, "details": details}
    return flask.jsonify(body), status, headers or {}


def _later() -> dict[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)}


def _redis_away(error: RedisError) -> flask.typing.ResponseReturnValue:
    log.warning("request.redis_away path=%s error=%r", flask.request.path, error)
    return answer(503, "Redis does not answer", headers=_later())


def _bug(error: Exception) -> flask.typing.ResponseReturnValue:
    log.exception("request.crashed path=%s", flask.request.path)
    return answer(500, "Internal error")
