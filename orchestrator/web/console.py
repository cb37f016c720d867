"""`/`: the console, a page for people; and the session that lets a browser use it without holding a key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import flask
from pydantic import BaseModel, ConfigDict

from orchestrator.access import LOCAL
from orchestrator.web.bodies import body
from orchestrator.web.callers import SESSION_COOKIE, Door, caller, from_own_page
from orchestrator.web.errors import Problem
from orchestrator.web.grants import Tokens

SESSION_SECONDS: Final = 12 * 3600
"""As long as a working day. It ends at once when its key is exchanged."""

FOLDER: Final = Path(str(files("orchestrator.web") / "pages" / "console"))
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "frame-src 'self' {previews}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class LogIn(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: str


@dataclass(frozen=True)
class ConsoleRoutes:
    """``preview_origin``: where built pages are opened, which the page shows in a frame."""

    door: Door
    tokens: Tokens
    max_body_bytes: int
    preview_origin: str

    def blueprint(self) -> flask.Blueprint:
        routes = flask.Blueprint("console", __name__)
        routes.get("/")(self.page)
        routes.get("/console/<name>")(self.file)
        routes.get("/console/session")(self.show)
        routes.post("/console/session")(self.log_in)
        routes.delete("/console/session")(self.log_out)
        return routes

    def page(self) -> flask.Response:
        return self.file("index.html")

    def file(self, name: str) -> flask.Response:
        """One of the page's own files; there are no folders."""
        response = flask.send_from_directory(FOLDER, name)
        response.headers["Content-Security-Policy"] = POLICY.format(previews=self.preview_origin)
        response.headers["Cache-Control"] = "no-cache"  # asked each time, and answered with 304
        return response

    def show(self) -> flask.typing.ResponseReturnValue:
        self.door.check()
        return {"caller": caller().name, "canLogOut": SESSION_COOKIE in flask.request.cookies}

    def log_in(self) -> flask.typing.ResponseReturnValue:
        _only_from_the_console()
        name = self.door.name_of(body(LogIn, self.max_body_bytes).key) if self.door.keys else LOCAL
        session = self.tokens.sign_session(name, int(time.time()) + SESSION_SECONDS)
        response = flask.jsonify({"caller": name, "canLogOut": True})
        response.set_cookie(
            SESSION_COOKIE, session, SESSION_SECONDS, httponly=True, samesite="Strict", secure=_is_secure(), path="/"
        )
        return response

    def log_out(self) -> flask.typing.ResponseReturnValue:
        _only_from_the_console()
        response = flask.Response(status=204)
        response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="Strict", secure=_is_secure(), path="/")
        return response


def _only_from_the_console() -> None:
    """Raises Problem 403."""
    if not from_own_page():
        raise Problem(403, "Only the console logs in here: send the key with each call", refused="foreign-origin")


def _is_secure() -> bool:
    """Whether the browser's connection is, be it to a router in front of us."""
    return flask.request.is_secure or flask.request.headers.get("X-Forwarded-Proto", "") == "https"
