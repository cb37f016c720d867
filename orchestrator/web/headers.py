"""What every answer says to browsers. A route that serves a page says something else for itself."""

from __future__ import annotations

import re
from typing import Final

import flask

from orchestrator.web.here import this_request

SECURITY: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # an address may carry a token
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",  # CORS requests of listed origins are not subject to it
    "Cache-Control": "no-store",
}

STREAM: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}

SANDBOX: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Where models' files are served, errors too: what a browser shows of it runs nothing and belongs to no origin."""

_MODELS_FILES: Final = re.compile(r"/(preview|files)(/|$)")


def add_security_headers(response: flask.Response) -> flask.Response:
    """An ``after_request`` function."""
    headers = response.headers
    if _MODELS_FILES.search(this_request().path):
        headers.setdefault("Content-Security-Policy", SANDBOX)
    said = {name.lower() for name, _ in headers}
    for name, value in SECURITY.items():
        if name.lower() not in said:
            headers.add(name, value)
    return response
