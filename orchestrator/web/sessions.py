"""No sessions: callers come with keys, and opening a cookie session costs as much as the rest of a request."""

from __future__ import annotations

from typing import Any

import flask
from flask.sessions import NullSession, SessionInterface, SessionMixin


class NoSessions(SessionInterface):
    _none = NullSession()

    def open_session(self, app: flask.Flask, request: flask.Request) -> NullSession:
        return self._none

    def is_null_session(self, obj: Any) -> bool:
        return True

    def save_session(self, app: flask.Flask, session: SessionMixin, response: flask.Response) -> None:
        """Nothing to save."""
