"""The service with a function after the view that fails where a header asks for it; see test_failing_answers.py."""

import flask

from app import create_app
from orchestrator.settings import load_settings

FAIL = "X-Fail"


def _fail(response: flask.Response) -> flask.Response:
    if FAIL in flask.request.headers:
        raise ValueError("as asked for")
    return response


def make_app() -> flask.Flask:
    app = create_app(load_settings())
    app.after_request(_fail)
    return app
