"""Which files of a project are its pages, and what a path below them means. Pure: it is told names only."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

BUILT: Final = ("out", "dist", "build", "_site")
"""Folders that pages are built into, the likeliest first. They come before what is beside them: sources."""
PUBLIC: Final = "public"
"""Comes after it: where pages are built, this is what they are built from."""
INDEX: Final = "index.html"
NOT_FOUND: Final = "404.html"
HIDDEN_BUT: Final = ".well-known"
"""The one name with a dot at its front that is for others to see."""


class OutsideError(ValueError):
    """The path leads out of the pages, or is none."""


@dataclass(frozen=True)
class Page:
    """The file to answer with. ``status``: 404 where it is the project's own page for that."""

    path: str
    status: int = 200


@dataclass(frozen=True)
class Moved:
    """The path names a folder: it needs a slash at its end for the links in its page to work."""


@dataclass(frozen=True)
class Pages:
    """``folder`` ends with a slash, or is empty: the project itself. ``start``: the first page, if not index.html."""

    files: Collection[str]
    folder: str
    start: str = ""

    def find(self, asked: str, *, wants_page: bool) -> Page | Moved | None:
        """What to answer to a path below ``folder``; ``wants_page``: to somebody who goes there with a browser.

        Raises OutsideError.
        """
        _must_stay_inside(asked)
        if not asked:
            names = [self.start or INDEX]
        elif asked.endswith("/"):
            names = [f"{asked}{INDEX}", f"{asked[:-1]}.html"]
        else:
            names = [asked, f"{asked}.html"]
            if self._has(f"{asked}/{INDEX}") and not self._has(asked):
                return Moved()
        if found := next((name for name in names if self._has(name)), None):
            return Page(self.folder + found)
        return self._fallback(asked) if wants_page else None

    def _fallback(self, asked: str) -> Page | None:
        """The page that the project has for what is not there, else its first one: its script looks at the path."""
        if self._has(NOT_FOUND):
            return Page(self.folder + NOT_FOUND, 404)
        if self._has(INDEX) and "." not in posixpath.basename(asked):
            return Page(self.folder + INDEX)
        return None

    def _has(self, name: str) -> bool:
        return self.folder + name in self.files and not _is_hidden(name)


def find_pages(files: Collection[str]) -> Pages | None:
    """The pages among a project's ``files``, as paths; None where there are none."""
    pages = [path for path in files if path.endswith(".html") and not _is_hidden(path)]
    folders = {path[: -len(INDEX)] for path in pages if posixpath.basename(path) == INDEX}
    if folders:
        return Pages(files, min(folders, key=_rank))
    if pages:
        folder, start = posixpath.split(min(pages, key=lambda path: (path.count("/"), path)))
        return Pages(files, f"{folder}/" if folder else "", start)
    return None


def _rank(folder: str) -> tuple[int, int, int, str]:
    """The project's own pages before those of folders deep in it; there built ones before their sources."""
    parts = folder.split("/")[:-1]
    for depth, part in enumerate(parts):
        if part in BUILT:
            return depth, BUILT.index(part), len(parts), folder
    if parts and parts[-1] == PUBLIC:
        return len(parts) - 1, len(BUILT) + 1, len(parts), folder
    return len(parts), len(BUILT), len(parts), folder


def _must_stay_inside(asked: str) -> None:
    parts = asked.split("/")
    if "\\" in asked or not asked.isprintable() or {".", ".."} & set(parts) or "" in parts[:-1]:
        raise OutsideError(asked)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") and part != HIDDEN_BUT for part in path.split("/"))
