"""One stored file as an answer: its bytes, never as a page of ours."""

from __future__ import annotations

from urllib.parse import quote

import flask

from agent.paths import InvalidPath, checked
from agent.workspace import text_of
from orchestrator.runlog.views import FilesView
from orchestrator.web.errors import Problem


def file_answer(view: FilesView, path: str) -> flask.Response:
    """The bytes of a file: text as plain text, the rest to be saved. Raises Problem 400 or 404."""
    try:
        found = view.resolve(checked(path))
    except InvalidPath as error:
        raise Problem(400, str(error)) from None
    if found is None:
        raise Problem(404, "No such file")
    try:
        content = view.read(found)
    except KeyError:
        raise Problem(404, "This file is not stored any more") from None
    is_text = text_of(content) is not None
    kind = "text/plain; charset=utf-8" if is_text else "application/octet-stream"
    answer = flask.Response(content, content_type=kind)
    name = quote(path.rpartition("/")[2])
    answer.headers["Content-Disposition"] = f"{'inline' if is_text else 'attachment'}; filename*=UTF-8''{name}"
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.set_etag(view.marks[found].hash)
    return answer.make_conditional(flask.request)  # type: ignore[return-value]  # werkzeug's own class
