"""The service with the pages of `clients` beside it, of the same origin: `gunicorn tools.examples_app:app`."""

from __future__ import annotations

from typing import Final

import flask

from app import create_app
from orchestrator.settings import load_settings
from tools.clients import PAGES

SCRIPTS_ALLOWED: Final = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"

app = create_app(load_settings())


@app.get("/<any(examples, chaos, assets):folder>/<path:name>")
def page(folder: str, name: str) -> flask.Response:
    response = flask.send_from_directory(PAGES / folder, name)
    response.headers["Content-Security-Policy"] = SCRIPTS_ALLOWED
    return response
