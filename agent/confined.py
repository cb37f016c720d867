"""File access that cannot leave a folder, whatever symbolic links a command has left inside it.

Every component of a path is opened with ``O_NOFOLLOW`` relative to its parent's descriptor, so there is no moment
between looking and opening in which a link could be slipped in. Only regular files are ever read or written.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe must fail or return, not wait for its other end.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class InvalidPath(ValueError):
    """A path that is not a plain relative path inside the workspace; the message is fit for the model."""


def checked(path: str) -> str:
    """Return ``path`` in its plain form (``./a//b`` becomes ``a/b``), or raise ``InvalidPath``."""
    if not path or "\0" in path or not path.isprintable():
        raise InvalidPath(f"expected a path such as 'src/app.js' without control characters, got {path!r}")
    plain = PurePosixPath(path)
    if plain.is_absolute() or ".." in plain.parts or not plain.parts:
        raise InvalidPath(f"expected a relative path inside the workspace, got {path!r}")
    return str(plain)


def read(root: Path, path: str, limit: int) -> bytes | None:
    """The file's bytes; ``None`` if it has more than ``limit`` of them. Raises ``OSError``."""
    with _parent(root, path) as (folder, name), _regular(name, os.O_RDONLY, folder) as fd:
        if os.fstat(fd).st_size > limit:
            return None
        with os.fdopen(fd, "rb", closefd=False) as file:
            content = file.read(limit + 1)
        return content if len(content) <= limit else None


def write(root: Path, path: str, content: bytes) -> None:
    """Create or overwrite a file, and the folders above it. Raises ``OSError`` where a link or folder is in the way."""
    flags = os.O_WRONLY | os.O_CREAT
    with _parent(root, path, create=True) as (folder, name), _regular(name, flags, folder) as fd:
        os.ftruncate(fd, 0)
        with os.fdopen(fd, "wb", closefd=False) as file:
            file.write(content)


def replace(root: Path, path: str, content: bytes) -> None:
    """Like ``write``, but links, folders and special files in the way are removed first."""
    parts = PurePosixPath(path).parts
    for depth in range(1, len(parts) + 1):
        is_last = depth == len(parts)
        _clear(root, "/".join(parts[:depth]), keep=stat.S_ISREG if is_last else stat.S_ISDIR)
    write(root, path, content)


def delete(root: Path, path: str) -> None:
    """Delete a file; one that is gone already is fine."""
    with suppress(FileNotFoundError, NotADirectoryError), _parent(root, path) as (folder, name):
        os.unlink(name, dir_fd=folder)


def walk(root: Path, ignored: frozenset[str], max_depth: int) -> Iterator[str]:
    """Paths of the regular files below ``root``, sorted within each folder, folders named in ``ignored`` left out."""
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        try:
            with _folder(root, inside) as fd, os.scandir(fd) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue  # closed to us, or gone since it was listed
        for entry in entries:
            path = f"{inside}/{entry.name}" if inside else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in ignored and path.count("/") < max_depth:
                    waiting.append(path)
            elif entry.is_file(follow_symlinks=False) and path.isprintable():
                yield path


def _clear(root: Path, path: str, keep: Callable[[int], bool]) -> None:
    with suppress(FileNotFoundError), _parent(root, path) as (folder, name):
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if keep(mode):
            return
        if stat.S_ISDIR(mode):
            shutil.rmtree(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)


@contextmanager
def _regular(name: str, flags: int, folder: int) -> Iterator[int]:
    fd = os.open(name, flags | _FILE, 0o644, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(f"{name!r} is not a regular file")
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _parent(root: Path, path: str, create: bool = False) -> Iterator[tuple[int, str]]:
    head, _, name = path.rpartition("/")
    with _folder(root, head, create) as fd:
        yield fd, name


@contextmanager
def _folder(root: Path, path: str, create: bool = False) -> Iterator[int]:
    fd = os.open(root, _FOLDER)
    try:
        for name in PurePosixPath(path).parts:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=fd)
            child = os.open(name, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = child
        yield fd
    finally:
        os.close(fd)
