"""One line a request: what was asked, by whom, what came of it and how long it took; a stream's comes at its end."""

from __future__ import annotations

import re
import secrets
import time
from functools import lru_cache, partial
from typing import Any, Final

import flask
from structlog.contextvars import bind_contextvars, unbind_contextvars

from orchestrator import metrics
from orchestrator.hub import Stream
from orchestrator.logs import get_logger
from orchestrator.web.here import here, this_request

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


def forget_request() -> None:
    """What is logged now belongs to none, or to the next one of the connection: they share a greenlet."""
    unbind_contextvars("request_id", "caller")


def _begin() -> None:
    request, known = this_request(), here()
    given = request.headers.get(HEADER, "")
    request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
    forget_request()  # under another server than ours
    bind_contextvars(request_id=request_id)
    known.request_id, known.began = request_id, time.monotonic()


def _end(response: flask.Response) -> flask.Response:
    request, known = this_request(), here()
    stream: Stream | None = known.get("stream") if response.is_streamed else None  # an error may be the answer instead
    response.headers.add(HEADER, known.request_id)
    _count(request, response.status_code, time.monotonic() - known.began, stream is not None)
    say = partial(_say, known.began, _facts(request, known, response.status_code), stream)
    if stream is not None:
        stream.on_close(say)
    elif response.is_streamed:
        response.call_on_close(say)
    else:
        say()
    return response


def _count(request: flask.Request, status: int, seconds: float, streams: bool) -> None:
    if request.url_rule is None:
        _of_route("-", NO_ROUTE, status).observe(seconds)
        return
    _of_route(request.method, request.url_rule.rule, status).observe(seconds)
    if streams:
        _of_streams(request.method).observe(seconds)


# Finding one among those of a metric costs more than counting.
_of_route = lru_cache(maxsize=1024)(metrics.REQUEST_SECONDS.labels)
_of_streams = lru_cache(maxsize=8)(metrics.FIRST_EVENT_SECONDS.labels)


def _facts(request: flask.Request, known: Any, status: int) -> dict[str, Any]:
    caller = known.get("caller")
    return {
        "request_id": known.request_id,
        "method": request.method,
        "path": request.path[:PATH_LONGEST],
        "status": status,
        "caller": caller.name if caller else NOBODY,
    }


def _say(began: float, facts: dict[str, Any], stream: Stream | None) -> None:
    more = {"events": stream.delivered} if stream is not None else {}
    log.info("http.request", **facts, seconds=round(time.monotonic() - began, 3), **more)
