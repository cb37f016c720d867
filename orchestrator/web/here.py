"""The request at hand, and what is known of it.

Flask's ``request`` and ``g`` look up whose they are for each of their attributes, which costs more than most of what is
done with one. Who needs several takes the object itself.
"""

from __future__ import annotations

from typing import Any

import flask


def this_request() -> flask.Request:
    request: flask.Request = flask.request._get_current_object()  # type: ignore[attr-defined]  # werkzeug's public way
    return request


def here() -> Any:
    """What has been found out about it: ``flask.g``."""
    return flask.g._get_current_object()
