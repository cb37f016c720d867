"""Keeps Inngest's calls alive through routers that cut a request whose first byte takes too long.

A step that is not done after a few seconds is answered with status 201 and a space every few seconds; the real answer
follows as ``{"status", "headers", "body"}``. That is Inngest's documented streaming reply, which its server reads
whichever SDK sent it; the Python SDK offers it only for async frameworks.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import flask

from orchestrator.logs import start_thread

FIRST_SECONDS: Final = 4.0
"""How long an answer may take before it turns into a streaming one; routers allow 30 s."""

SPACE_SECONDS: Final = 3.0

View = Callable[[], Any]


def with_long_reply(view: View) -> View:
    """Wrap the view that ``inngest.flask.serve`` registered."""

    def answer() -> Any:
        if flask.request.method != "POST":
            return view()
        flask.request.get_data()  # read here: the other thread outlives this request's input
        call = _Call(flask.copy_current_request_context(lambda: flask.make_response(view())))
        if call.done.wait(FIRST_SECONDS):
            return call.response()
        return flask.Response(_stream(call), status=201, content_type="application/json")

    return answer


class _Call:
    """The view's work, in a thread of its own."""

    def __init__(self, work: Callable[[], flask.Response]) -> None:
        self.done = threading.Event()
        self._response: flask.Response | None = None
        self._error: Exception | None = None
        start_thread(self._run, work, name="inngest-call")

    def _run(self, work: Callable[[], flask.Response]) -> None:
        try:
            self._response = work()
        except Exception as error:  # raised in the request's thread
            self._error = error
        finally:
            self.done.set()

    def response(self) -> flask.Response:
        if self._error is not None:
            raise self._error
        assert self._response is not None
        return self._response


def _stream(call: _Call) -> Iterator[bytes]:
    yield b" "
    while not call.done.wait(SPACE_SECONDS):
        yield b" "
    try:
        response = call.response()
        envelope: dict[str, Any] = {
            "status": response.status_code,
            "headers": dict(response.headers),
            "body": response.get_data(as_text=True),
        }
    except Exception as error:
        envelope = {"status": 500, "headers": {}, "body": json.dumps({"name": "Error", "message": str(error)})}
    yield json.dumps(envelope).encode()
