"""The request at hand, and what is known of it.

Flask's ``request`` and ``g`` look up whose they are for each of their attributes, which costs more than most of what is
done with one. Who needs several takes the object itself.
"""

from __future__ import annotations

from typing import Any

import flask
from flask.globals import _cv_app, _cv_request


def this_request() -> flask.Request:
    return _cv_request.get().request


def here() -> Any:
    """What has been found out about it: ``flask.g``."""
    return _cv_app.get().g
