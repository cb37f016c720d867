"""One line a request: what was asked, by whom, what came of it and how long it took; a stream's comes at its end."""

from __future__ import annotations

import re
import secrets
import time
from functools import partial
from typing import Any, Final

import flask
import structlog

from orchestrator import metrics
from orchestrator.hub import Stream
from orchestrator.logs import get_logger

HEADER: Final = "X-Request-Id"
"""Taken over from a router in front of us, and in every answer."""

PATH_LONGEST: Final = 200
NO_ROUTE: Final = "none"
NOBODY: Final = "-"
"""The caller's name in the log where there is none."""

_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")

log = get_logger(__name__)


def log_requests(app: flask.Flask) -> None:
    """To be registered before all else that looks at requests: their lines are to carry the request's id."""
    app.before_request(_begin)
    app.after_request(_end)


def path() -> str:
    """Without the query, which may hold a token."""
    return flask.request.path[:PATH_LONGEST]


def _begin() -> None:
    given = flask.request.headers.get(HEADER, "")
    request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()  # a connection's requests share a greenlet
    structlog.contextvars.bind_contextvars(request_id=request_id)
    flask.g.request_id, flask.g.began = request_id, time.monotonic()


def _end(response: flask.Response) -> flask.Response:
    response.headers[HEADER] = flask.g.request_id
    _count(response)
    say = partial(_say, flask.g.began, _facts(response))
    stream: Stream | None = flask.g.get("stream")
    if stream is not None:
        stream.on_close(lambda: say(events=stream.delivered))
    elif response.is_streamed:
        response.call_on_close(say)
    else:
        say()
    return response


def _count(response: flask.Response) -> None:
    seconds, method = time.monotonic() - flask.g.began, flask.request.method
    route = flask.request.url_rule.rule if flask.request.url_rule else NO_ROUTE
    metrics.REQUEST_SECONDS.labels(method if route != NO_ROUTE else "-", route, response.status_code).observe(seconds)
    if "stream" in flask.g:
        metrics.FIRST_EVENT_SECONDS.labels(method).observe(seconds)


def _facts(response: flask.Response) -> dict[str, Any]:
    caller = flask.g.get("caller")
    return {
        "request_id": flask.g.request_id,
        "method": flask.request.method,
        "path": path(),
        "status": response.status_code,
        "caller": caller.name if caller else NOBODY,
    }


def _say(began: float, facts: dict[str, Any], **more: Any) -> None:
    log.info("http.request", **facts, seconds=round(time.monotonic() - began, 3), **more)
