"""`/agent/projects`: what callers have built. The files of a run, and what it changed, lie beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import flask

from agent.entries import Mark
from orchestrator.differences import differences
from orchestrator.owned_projects import About, OwnedProjects
from orchestrator.runlog import RunRecord
from orchestrator.runlog.views import FilesView
from orchestrator.stored_files import StoredFiles
from orchestrator.web import inputs
from orchestrator.web.access import RunAccess
from orchestrator.web.callers import caller
from orchestrator.web.errors import UNKNOWN_PROJECT, Problem
from orchestrator.web.files import file_answer
from orchestrator.zips import zip_of

PAGE: Final = 50
PAGE_LARGEST: Final = 200
NAME_LONGEST: Final = 80
"""Characters of a downloaded archive's name."""


@dataclass(frozen=True)
class ProjectRoutes:
    access: RunAccess
    projects: OwnedProjects
    stored: StoredFiles

    def blueprint(self) -> flask.Blueprint:
        routes = flask.Blueprint("projects", __name__)
        self.access.guard(routes)
        routes.get("/agent/projects")(self.list)
        # `path`: a project's id may hold slashes, as in `team/app`.
        routes.get("/agent/projects/<path:project_id>")(self.show)
        routes.get("/agent/projects/<path:project_id>.zip")(self.zip)
        routes.get("/agent/projects/<project:project_id>/files/<path:path>")(self.file)
        routes.delete("/agent/projects/<path:project_id>")(self.delete)
        routes.get("/agent/run/<run_id>/diff")(self.diff)
        routes.get("/agent/run/<run_id>/files/<path:path>")(self.file_of_run)
        return routes

    def list(self) -> flask.typing.ResponseReturnValue:
        self.access.door.key_only()
        page = self.projects.page(caller().name, _limit(), _before())
        return {"projects": [_brief(*each) for each in page.projects], "next": page.next}

    def show(self, project_id: str) -> flask.typing.ResponseReturnValue:
        self._own(project_id)
        view = self.stored.of_project(project_id)
        about = self.projects.about(project_id, caller().name)
        return {
            **_brief(project_id, about),
            "bytes": sum(mark.size for mark in view.files.values()),
            "files": [_file(path, mark) for path, mark in view.files.items()],
            "runs": [_run(record) for record in self.projects.runs(project_id, caller().name)],
            "history": [done.model_dump(by_alias=True) for done in about.history],
        }

    def file(self, project_id: str, path: str) -> flask.typing.ResponseReturnValue:
        self._own(project_id)
        return file_answer(self.stored.of_project(project_id), path)

    def file_of_run(self, run_id: str, path: str) -> flask.typing.ResponseReturnValue:
        self.access.record(run_id, "read")
        return file_answer(self._of_run(run_id), path)

    def zip(self, project_id: str) -> flask.typing.ResponseReturnValue:
        self._own(project_id)
        view = self.stored.of_project(project_id)
        if not view.marks:
            raise Problem(404, "This project has no files")
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", project_id).strip("-")[:NAME_LONGEST] or "project"
        headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
        return flask.Response(zip_of(view), mimetype="application/zip", headers=headers)

    def diff(self, run_id: str) -> flask.typing.ResponseReturnValue:
        record = self.access.record(run_id, "read")
        after = self._of_run(run_id)
        found = [each.shown() for each in differences(self._before(record), after)]
        counts = {kind: sum(each["change"] == kind for each in found) for kind in ("added", "changed", "deleted")}
        return {"runId": run_id, "projectId": record.owner.project_id, **counts, "files": found}

    def delete(self, project_id: str) -> flask.typing.ResponseReturnValue:
        self.access.door.key_only()
        self._own(project_id)
        if unfinished := self.projects.delete(project_id, caller().name):
            error = "A run of this project is unfinished: cancel it, or wait until it has ended"
            raise Problem(409, error, {"runIds": unfinished})
        return "", 204

    def _own(self, project_id: str) -> None:
        """The caller is about to read the project. Raises Problem 404 or 403."""
        inputs.project_id(project_id)
        self.access.door.project(project_id, "read")
        if not self.projects.is_of(project_id, caller().name):
            raise Problem(404, UNKNOWN_PROJECT)

    def _of_run(self, run_id: str) -> FilesView:
        try:
            return self.stored.of_run(run_id)
        except KeyError:
            raise Problem(404, "What this run began with is not stored any more") from None

    def _before(self, record: RunRecord) -> FilesView:
        try:
            return self.stored.before_run(record.run_id, record.owner.project_id)
        except KeyError:
            raise Problem(404, "What this run began with is not stored any more") from None


def _limit() -> int:
    given = flask.request.args.get("limit", str(PAGE))
    if not re.fullmatch("[0-9]{1,3}", given) or not 1 <= int(given) <= PAGE_LARGEST:
        raise Problem(400, f"limit must be a number from 1 to {PAGE_LARGEST}, got {given[:40]!r}")
    return int(given)


def _before() -> float | None:
    given = flask.request.args.get("before")
    if given is not None and not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", given):
        raise Problem(400, f"before must be the next of an earlier page, got {given[:40]!r}")
    return None if given is None else float(given)


def _brief(project_id: str, about: About) -> dict[str, Any]:
    base = f"/agent/projects/{quote(project_id)}"
    return {
        "projectId": project_id,
        "usedAt": about.used,
        "latestRunId": about.latest,
        "storedBytes": about.stored,
        "urls": {"project": base, "files": f"{base}/files/", "zip": f"{base}.zip"},
    }


def _file(path: str, mark: Mark) -> dict[str, Any]:
    link = {"target": mark.target} if mark.kind == "link" else {}
    return {"path": path, "kind": mark.kind, "size": mark.size, "hash": mark.hash, **link}


def _run(record: RunRecord) -> dict[str, Any]:
    return {
        "runId": record.run_id,
        "status": record.status,
        "createdAt": record.time("createdAt"),
        "endedAt": record.time("endedAt"),
        "urls": {"run": f"/agent/run/{record.run_id}", "diff": f"/agent/run/{record.run_id}/diff"},
    }
