"""Flask as the router that it is here, spared what it does anew for each request and none of ours wants.

It opens a session, pushes two contexts on stacks and pops them, looks for functions to call at a request's end, for
asynchronous ones among our own, and for subdomains in the Host header. It has no settings for any of this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import flask
from flask.globals import _cv_app, _cv_request
from werkzeug.routing import MapAdapter

from orchestrator.web.here import this_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class _Around(NamedTuple):
    """What is called before and after the views of a blueprint, in this order."""

    before: tuple[Callable[[], Any], ...]
    after: tuple[Callable[[flask.Response], flask.Response], ...]


class App(flask.Flask):
    """``before_request`` and ``after_request`` are as ever; sessions, and functions for a request's end, are not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._around = cache(self._find_around)

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        context = self.request_context(environ)
        outer, inner = _cv_app.set(self.app_context()), _cv_request.set(context)
        try:
            try:
                context.match_request()
                response = self.full_dispatch_request()
            except Exception as error:
                response = self.handle_exception(error)
            return response(environ, start_response)
        finally:
            _cv_request.reset(inner)
            _cv_app.reset(outer)
            environ["werkzeug.request"] = None  # as a cycle it would stay until the collector comes

    def preprocess_request(self) -> flask.typing.ResponseReturnValue | None:
        for function in self._around(this_request().blueprint).before:
            answer: flask.typing.ResponseReturnValue | None = function()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: flask.Response) -> flask.Response:
        """Where one fails, its error is the answer; the others give it its headers and its line in the log."""
        for function in self._around(this_request().blueprint).after:
            try:
                response = function(response)
            except Exception as error:
                response.close()  # a stream would stay for ever
                response = self.make_response(self.handle_user_exception(error))
        return response

    def _find_around(self, blueprint: str | None) -> _Around:
        names = (None,) if blueprint is None else (None, blueprint)
        before = [function for name in names for function in self.before_request_funcs.get(name, ())]
        after = [function for name in names for function in self.after_request_funcs.get(name, ())]
        return _Around(tuple(before), tuple(reversed(after)))  # type: ignore[arg-type]  # none is asynchronous

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """None of our functions is asynchronous."""
        return func

    def create_url_adapter(self, request: flask.Request | None) -> MapAdapter | None:
        """Routes are the same under every name of the service, also under what can be no name."""
        if request is None:
            return None
        asked = request.query_string.decode(errors="replace")
        return self.url_map.bind("", request.root_path, "", _scheme(request), request.method, request.path, asked)


def _scheme(request: flask.Request) -> str:
    """None of the routes is one of web sockets: who asks for such is told so."""
    said = request.environ
    if said.get("HTTP_UPGRADE", "").lower() == "websocket" and "upgrade" in said.get("HTTP_CONNECTION", "").lower():
        return "ws"
    return request.scheme
