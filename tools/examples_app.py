"""The service with the example pages beside it: `gunicorn tools.examples_app:app`. They come from the same origin."""

from __future__ import annotations

import flask

from app import create_app
from orchestrator.settings import load_settings
from tools.clients import EXAMPLES

app = create_app(load_settings())


@app.get("/examples/<path:name>")
def example(name: str) -> flask.Response:
    return flask.send_from_directory(EXAMPLES, name)
