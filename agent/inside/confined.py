"""File access that cannot leave a folder, whatever symbolic links a command has left inside it.

Every component of a path is opened with ``O_NOFOLLOW`` relative to its parent's descriptor, so there is no moment
between looking and opening in which a link could be slipped in. What its owner has closed to himself (``chmod 000``)
is opened again on the way. All functions raise ``OSError``.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a named pipe must fail or return, not wait for its other end.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def folder(root: str, path: str, create: bool = False) -> Iterator[int]:
    """The descriptor of the folder ``path`` below ``root`` (``""``: itself)."""
    fd = os.open(root, _FOLDER)
    try:
        for name in filter(None, path.split("/")):
            if create:
                _make_writable(fd)
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=fd)
            child = _open(name, _FOLDER, fd)
            os.close(fd)
            fd = child
        yield fd
    finally:
        os.close(fd)


@contextmanager
def parent(root: str, path: str, create: bool = False, write: bool = False) -> Iterator[tuple[int, str]]:
    """The descriptor of the folder that holds ``path``, and the name in it; ``write``: names in it will change."""
    head, _, name = path.rpartition("/")
    with folder(root, head, create) as fd:
        if write:
            _make_writable(fd)
        yield fd, name


@contextmanager
def regular(name: str, flags: int, folder: int) -> Iterator[int]:
    """Open a regular file and nothing else."""
    fd = _open(name, flags | _FILE, folder)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(0, "Not a regular file")
        yield fd
    finally:
        os.close(fd)


def write(root: str, path: str, content: bytes) -> None:
    """Create or overwrite a file, and the folders above it; a link or folder in the way is an error."""
    with parent(root, path, True, write=True) as (fd, name), regular(name, os.O_WRONLY | os.O_CREAT, fd) as file:
        os.ftruncate(file, 0)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(file, rest) :]


def replace(root: str, path: str, content: bytes, executable: bool) -> None:
    """Like ``write``, but links, folders and special files in the way are removed first."""
    clear_way(root, path, keep=stat.S_ISREG)
    write(root, path, content)
    with parent(root, path) as (fd, name), regular(name, os.O_RDONLY, fd) as file:
        mode = stat.S_IMODE(os.fstat(file).st_mode) & 0o777
        os.fchmod(file, mode | 0o111 if executable else mode & ~0o111)


def link(root: str, path: str, target: str) -> None:
    """Make ``path`` a symbolic link, whatever stands there."""
    clear_way(root, path, keep=lambda mode: False)
    with parent(root, path, True, write=True) as (fd, name):
        os.symlink(target, name, dir_fd=fd)


def make_folder(root: str, path: str) -> None:
    """Make ``path`` a folder; one that is there stays as it is."""
    clear_way(root, path, keep=stat.S_ISDIR)
    with folder(root, path, create=True):
        pass


def delete(root: str, path: str) -> None:
    """Delete a file, a link or an empty folder, and the folders above that this leaves empty; gone already is fine."""
    with suppress(FileNotFoundError, NotADirectoryError), parent(root, path, write=True) as (fd, name):
        try:
            os.unlink(name, dir_fd=fd)
        except IsADirectoryError:
            _remove_empty(name, fd)
    while path := path.rpartition("/")[0]:
        with suppress(OSError), parent(root, path, write=True) as (fd, name):
            if not _remove_empty(name, fd):
                return


def _remove_empty(name: str, folder: int) -> bool:
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        return error.errno not in (errno.ENOTEMPTY, errno.EEXIST)
    return True


def clear_way(root: str, path: str, keep: Callable[[int], bool]) -> None:
    """Remove what is no folder above ``path``, and what stands at ``path`` unless ``keep`` takes its mode."""
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        is_last = depth == len(parts)
        with suppress(FileNotFoundError), parent(root, "/".join(parts[:depth]), write=True) as (fd, name):
            mode = os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
            if not (keep if is_last else stat.S_ISDIR)(mode):
                remove(fd, name)


def remove(folder: int, name: str) -> None:
    """Remove whatever ``name`` is, however deep and closed."""
    with suppress(IsADirectoryError):
        os.unlink(name, dir_fd=folder)
        return
    import subprocess  # here, because hardly any start needs it

    # These two neither follow links nor recurse on a stack, and know how to enter what is closed.
    for argv in (["chmod", "-R", "u+rwX"], ["rm", "-rf"]):
        subprocess.run([*argv, "--", f"./{name}"], cwd=f"/proc/self/fd/{folder}", stderr=subprocess.DEVNULL)
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        raise OSError(0, "Could not be removed")


def _make_writable(folder: int) -> None:
    if os.fstat(folder).st_mode & 0o700 != 0o700:
        with suppress(PermissionError):  # not ours: then the write says so
            os.fchmod(folder, 0o755)


def _open(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, 0o644, dir_fd=folder)
    except PermissionError:
        _open_up(name, folder)
        return os.open(name, flags, 0o644, dir_fd=folder)


def _open_up(name: str, folder: int) -> None:
    fd = os.open(name, _LOOK, dir_fd=folder)
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISLNK(mode):
            return
        wanted = 0o700 if stat.S_ISDIR(mode) else 0o600
        os.chmod(f"/proc/self/fd/{fd}", stat.S_IMODE(mode) | wanted)  # by descriptor: a link cannot be slipped in
    finally:
        os.close(fd)
