"""Paths of the workspace as values: relative, POSIX, and fit to be shown."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

MAX_PATH: Final = 4_000
"""Bytes; Linux takes 4,096, with the folder in front of it."""


class InvalidPath(ValueError):
    """A path that is not a plain relative path inside the workspace; the message is fit for the model."""


def checked(path: str) -> str:
    """Return ``path`` in its plain form (``./a//b`` becomes ``a/b``), or raise ``InvalidPath``."""
    if len(path.encode(errors="replace")) > MAX_PATH:
        raise InvalidPath(f"expected a path of at most {MAX_PATH} bytes, got one that begins with {path[:80]!r}")
    if not path or "\0" in path or not path.isprintable():
        raise InvalidPath(f"expected a path such as 'src/app.js' without control characters, got {path!r}")
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts or not plain.parts:
        raise InvalidPath(f"expected a relative path inside the workspace, got {path!r}")
    return str(plain)


def checked_folder(path: str) -> str:
    """Like ``checked``, for a folder; the workspace itself (``.``, ``./``) is ``""``."""
    return "" if path and len(path) <= MAX_PATH and str(PurePosixPath(path)) == "." else checked(path)
