"""Compares a workspace with what is known of it, within limits of files, bytes, depth and time."""

from __future__ import annotations

import errno
import os
import stat
import time

from agent.inside import confined
from agent.inside.leftovers import Leftovers
from agent.inside.wire import EXECUTABLE, FILE, FOLDER, GONE, LINK, fingerprint

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""What says that a path is gone (a link in place of a folder above included). Nothing else does: a process that has no
descriptors left (EMFILE) must never take a file for deleted."""
MAX_FOLDERS = 20_000
"""Folders that wait to be looked at."""
MAX_TARGET = 1_000
"""Bytes of a link's target."""


class Limits:
    """What is kept: bytes of a ``file``, bytes in ``total``, ``files``, ``depth``; ``seconds`` for looking at all."""

    def __init__(self, file: int, total: int, files: int, depth: int, seconds: float, ignored: frozenset[str]) -> None:
        self.file, self.total, self.files, self.depth = file, total, files, depth
        self.seconds, self.ignored = seconds, ignored


class Unkept(Exception):
    """An entry that is there and cannot be kept."""

    def __init__(self, reason: str, size: int = 0) -> None:
        super().__init__(reason)
        self.reason, self.size = reason, size


class Look:
    """One look at the workspace ``root``. ``known``: path → fingerprint; these paths never give way to new ones."""

    def __init__(self, root: str, known: dict[str, bytes], limits: Limits) -> None:
        self.left_out = Leftovers()
        self._root, self._known, self._limits = root, known, limits
        self._files, self._bytes = limits.files, limits.total
        self._give_up = time.monotonic() + limits.seconds

    def changes(self) -> Iterator[tuple[str, str, bytes]]:
        """``(kind, path, content)`` of what differs; afterwards ``left_out`` holds what was not kept."""
        for path in sorted(self._known):
            yield from self._compare(path)
        for path in self._new():
            yield from self._compare(path)

    def _compare(self, path: str) -> Iterator[tuple[str, str, bytes]]:
        known = self._known.get(path)
        try:
            kind, content = self._keep(path)
        except Unkept as error:
            self.left_out.add(path, error.size, error.reason)
            if known is not None:
                yield GONE, path, error.reason.encode()
        except OSError as error:
            if error.errno not in NOT_THERE:
                self.left_out.add(path, 0, f"unreadable ({error.strerror})")
            elif known is not None:
                yield GONE, path, b""
        else:
            if fingerprint(kind, content) != known:
                yield kind, path, content

    def _keep(self, path: str) -> tuple[str, bytes]:
        kind, content = self._entry(path)
        if self._files <= 0:
            raise Unkept(f"more than {self._limits.files} files", len(content))
        self._files -= 1
        self._bytes -= len(content)
        return kind, content

    def _entry(self, path: str) -> tuple[str, bytes]:
        with confined.parent(self._root, path) as (folder, name):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode):
                return LINK, _target(path, os.readlink(name, dir_fd=folder))
            if stat.S_ISDIR(found.st_mode):
                return FOLDER, self._nothing_in(path)
            if not stat.S_ISREG(found.st_mode):
                raise Unkept("special file")
            if self._files <= 0:
                raise Unkept(f"more than {self._limits.files} files", found.st_size)
            if found.st_size > self._limits.file:
                raise Unkept(f"too large, more than {self._limits.file} bytes", found.st_size)
            if found.st_size > self._bytes:
                raise Unkept(f"too much, more than {self._limits.total} bytes in all", found.st_size)
            content = _read(name, folder, min(self._limits.file, self._bytes))
            return EXECUTABLE if found.st_mode & stat.S_IXUSR else FILE, content

    def _nothing_in(self, path: str) -> bytes:
        with confined.folder(self._root, path) as fd, os.scandir(fd) as entries:
            if next(entries, None) is not None:
                raise OSError(errno.ENOENT, "Not empty")  # so no entry any more: what is in it stands for it
        return b""

    def _new(self) -> Iterator[str]:
        """Paths that are not known and may be kept: files, links and empty folders."""
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            if time.monotonic() > self._give_up:
                self.left_out.add(f"{inside}/", 0, f"not looked at within {self._limits.seconds:g} seconds")
                return
            try:
                with confined.folder(self._root, inside) as fd, os.scandir(fd) as entries:
                    files, folders, count = self._sorted_out(inside, entries)
            except OSError as error:
                if error.errno not in NOT_THERE:
                    self.left_out.add(f"{inside}/", 0, f"unreadable ({error.strerror})")
                continue
            if inside and not count and inside not in self._known:
                yield inside
            yield from files
            room = MAX_FOLDERS - len(waiting)
            for path in folders[room:]:
                self.left_out.add(f"{path}/", 0, "too many folders")
            waiting.extend(reversed(folders[:room]))

    def _sorted_out(self, inside: str, entries: Iterator[os.DirEntry[str]]) -> tuple[list[str], list[str], int]:
        """New files and links, folders to look into, and how many entries there are."""
        files: list[str] = []
        folders: list[str] = []
        count = 0
        for count, entry in enumerate(entries, start=1):
            if count % 1_000 == 0 and time.monotonic() > self._give_up:
                self.left_out.add(f"{inside}/", 0, f"not looked at within {self._limits.seconds:g} seconds")
                break
            path = f"{inside}/{entry.name}" if inside else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if not path.isprintable():
                self.left_out.add(f"{path}/" if is_folder else path, _size(entry), "a name that is not printable text")
            elif is_folder:
                self._folder(path, entry.name, folders)
            elif path not in self._known:
                files.append(path)
                if len(files) > 2 * self._limits.files:
                    files = self._first(files)
        return self._first(files), sorted(folders), count

    def _folder(self, path: str, name: str, folders: list[str]) -> None:
        if name in self._limits.ignored:
            self.left_out.add(f"{path}/", 0, "ignored folder")
        elif path.count("/") >= self._limits.depth:
            self.left_out.add(f"{path}/", 0, f"too deep, below {self._limits.depth} folders")
        else:
            folders.append(path)

    def _first(self, files: list[str]) -> list[str]:
        """As many as may be kept, by name; more are only counted, so that a huge folder costs little memory."""
        files.sort()
        for path in files[self._limits.files :]:
            self.left_out.add(path, self._size_of(path), f"more than {self._limits.files} files")
        return files[: self._limits.files]

    def _size_of(self, path: str) -> int:
        try:
            return os.lstat(f"{self._root}/{path}").st_size
        except OSError:
            return 0


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0


def _read(name: str, folder: int, limit: int) -> bytes:
    with confined.regular(name, os.O_RDONLY, folder) as fd:
        pieces, size = [], 0
        while size <= limit and (piece := os.read(fd, limit + 1 - size)):
            pieces.append(piece)
            size += len(piece)
    if size > limit:
        raise Unkept("it grew while it was read", size)
    return b"".join(pieces)


def _target(path: str, target: str) -> bytes:
    """The target of the link ``path``, where it stays inside the workspace."""
    if target.startswith("/") or len(target) > MAX_TARGET or not target.isprintable():
        raise Unkept("a link that leads outside")
    at = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            if not at:
                raise Unkept("a link that leads outside")
            at.pop()
        elif part not in ("", "."):
            at.append(part)
    return target.encode()
