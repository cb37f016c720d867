"""`/agent/run/<runId>/preview/…`, `/agent/projects/<id>/preview/…`: the pages that were built, from the stored files.

Whoever wrote them is a stranger. A browser gives them an origin that nobody else has (`sandbox` without
`allow-same-origin`), so they reach neither cookies nor storage, nor read any other answer of this service. Such pages
load even their own scripts and fonts as from elsewhere; what may be loaded so is what the token in the path opens. A
page can read that token in its own address: it opens pages, and nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import flask
from werkzeug.http import parse_range_header

from orchestrator.access import PREVIEW_PREFIX
from orchestrator.owned_projects import OwnedProjects
from orchestrator.previews.media_types import media_type
from orchestrator.previews.pages import Moved, OutsideError, Page, find_pages
from orchestrator.runlog import RunLog
from orchestrator.stored_files import FilesView, StoredFiles
from orchestrator.web import inputs
from orchestrator.web.callers import Door, caller
from orchestrator.web.errors import UNKNOWN_PROJECT, Problem
from orchestrator.web.grants import Grant, Tokens

OPENED_SECONDS: Final = 3600
"""How long pages stay open that somebody went to without a token."""

HEADERS: Final = {
    "Content-Security-Policy": "sandbox allow-scripts allow-forms allow-modals allow-popups allow-downloads",
    "Cache-Control": "private, no-cache",  # may be kept, and is asked for again: the ETag answers
    "Accept-Ranges": "bytes",
}
BY_TOKEN: Final = {"Cross-Origin-Resource-Policy": "cross-origin", "Vary": "Origin"}


@dataclass(frozen=True)
class PreviewRoutes:
    door: Door
    tokens: Tokens
    log: RunLog
    projects: OwnedProjects
    stored: StoredFiles

    def blueprint(self) -> flask.Blueprint:
        routes = flask.Blueprint("preview", __name__)
        routes.before_request(self._check)
        for of, view in (("run/<run_id>", self.of_run), ("projects/<project:project_id>", self.of_project)):
            for path in ("", "<path:path>"):
                routes.get(f"/agent/{of}/preview/{path}", strict_slashes=False)(view)
        return routes

    def of_run(self, run_id: str, path: str = "") -> flask.typing.ResponseReturnValue:
        owner = self.log.record(inputs.run_id(run_id)).owner
        self.door.run(run_id, owner, "preview")
        return self._answer("This run", lambda: self.stored.of_run(run_id), run_id=run_id)

    def of_project(self, project_id: str, path: str = "") -> flask.typing.ResponseReturnValue:
        inputs.project_id(project_id)
        self.door.project(project_id, "preview")
        if not self.projects.is_of(project_id, caller().name):
            raise Problem(404, UNKNOWN_PROJECT)
        return self._answer("This project", lambda: self.stored.of_project(project_id), project_id=project_id)

    def _check(self) -> None:
        token = _place().token
        if token:
            self.door.check_token(token)
        else:
            self.door.check()

    def _answer(self, whose: str, load: Callable[[], FilesView], **named: str) -> flask.typing.ResponseReturnValue:
        place = _place()
        if not place.token and flask.request.headers.get("Sec-Fetch-Mode") == "navigate":
            # A browser: what the page refers to would come without a key, and as from elsewhere.
            grant = Grant(caller().name, ("preview",), _opened_until(), **named)
            return _sent_on(f"{place.base}{self.tokens.sign(grant)}/{place.asked}")
        try:
            view = load()
        except KeyError:
            raise Problem(404, "What this run began with is not stored any more") from None
        pages = find_pages(view.plain)
        if pages is None:
            raise Problem(404, f"{whose} has no pages", {"files": len(view.files)})
        if place.is_bare:
            return _sent_on(f"{flask.request.path}/")
        try:
            found = pages.find(place.asked, wants_page="text/html" in flask.request.accept_mimetypes.values())
        except OutsideError:
            raise Problem(400, "The path leads out of the pages") from None
        if found is None:
            raise Problem(404, "There is no such page", {"path": place.asked[:200]})
        if isinstance(found, Moved):
            return _sent_on(f"{flask.request.path}/")
        return _content(view, found, BY_TOKEN if place.token else {})


@dataclass(frozen=True)
class _Place:
    """A request's path: ``base``, up to `preview/`; the token after that, if any; what is ``asked`` for below it."""

    base: str
    token: str
    asked: str
    is_bare: bool
    """Without the slash that makes relative links work."""


def _place() -> _Place:
    path: str = (flask.request.view_args or {}).get("path", "")
    base = flask.request.path.removesuffix(path)
    first, slash, rest = path.partition("/")
    if first.startswith(PREVIEW_PREFIX):
        return _Place(base, first, rest, is_bare=not slash)
    return _Place(f"{base.rstrip('/')}/", "", path, is_bare=not base.endswith("/"))


def _opened_until() -> int:
    """When the address ends that a browser is sent to; a token that it came with is not made to last any longer."""
    until, grant = int(time.time()) + OPENED_SECONDS, caller().grant
    return until if grant is None else min(until, grant.expires)


def _sent_on(path: str) -> flask.typing.ResponseReturnValue:
    """To another path, with the same query, but not with a token in it."""
    query = urlencode([pair for pair in flask.request.args.items(multi=True) if pair[0] != "token"])
    return flask.redirect(f"{quote(path)}{'?' if query else ''}{query}")


def _content(view: FilesView, page: Page, more: dict[str, str]) -> flask.Response:
    """The file, a range of it, or the news that the browser has it."""
    try:
        content = view.read(page.path)
    except KeyError:
        raise Problem(404, "This page is not stored any more") from None
    response = flask.Response(content, page.status, HEADERS | more, content_type=media_type(page.path, content))
    if more and flask.request.headers.get("Origin") == "null":
        response.headers["Access-Control-Allow-Origin"] = "null"
    if page.status == 200:
        response.set_etag(view.files[page.path].hash)
        ranges = len(content) if _wants_one_range(len(content)) else None
        response.make_conditional(flask.request.environ, accept_ranges=ranges is not None, complete_length=ranges)
        response.headers["Accept-Ranges"] = "bytes"
    return response


def _wants_one_range(size: int) -> bool:
    """Anything else that a Range header says may be passed over (RFC 9110, 14.2): then the whole file is the answer.

    So is it where more than all of it is wanted from its end (14.1.2).
    """
    wanted: Any = parse_range_header(flask.request.headers.get("Range"))
    if flask.request.method != "GET" or wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return False
    return bool(-wanted.ranges[0][0] <= size)
