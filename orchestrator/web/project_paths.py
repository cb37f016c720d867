"""Which part of an address is a project's id, and where what lies below the project begins."""

from __future__ import annotations

from werkzeug.routing import PathConverter


class ProjectConverter(PathConverter):
    """An id before `/files/…` or `/preview/…`: it ends at the first of these. What follows names a file, whose folders
    may be called so, too; no id has such a part behind its first one (``orchestrator.project_ids``).
    """

    regex = r"[^/](?:(?!/(?:files|preview)(?:/|\Z)).)*?"
