"""How much of the disk a workspace takes, walked by a process that has nothing but the jail's own rights.

It joins the jail's user namespace: there it may enter folders that a command has closed, and nothing of anybody else.
"""

from __future__ import annotations

import os
import resource
import signal
import stat
import time
from contextlib import suppress

from agent.warden import kernel
from agent.warden.ready import ready
from agent.warden.start import become

PAUSE = 0.4
"""Seconds between two walks, at least …"""
REST = 2.0
"""… and this many times as long as the walk took, so that it takes at most a third of a processor."""
LINE = 64
MOST_OPEN = 8_192
"""Descriptors, two for each folder on the way: twice as deep as any path that a program can name. A folder takes 4 KB
here, on no jail's account: where a process may open a million files, a nest of 200,000 folders would take 800 MB."""
AGAIN = b"again"
"""Said to the counting process: begin a count now. All else that is said is the path of the jail's user namespace."""
FRESH = b"fresh"
"""Its answer; the next line is that count."""


class Room:
    """Whether the workspace's disk has lost room since this was made, to whomever: then a count may be worth it."""

    BYTES = 4 * 1024 * 1024
    FILES = 500

    def __init__(self, workspace: str) -> None:
        self._workspace = workspace
        self._bytes, self._files = self._free()

    def has_shrunk(self) -> bool:
        free_bytes, free_files = self._free()
        return self._bytes - free_bytes > self.BYTES or self._files - free_files > self.FILES

    def lost(self) -> int:
        """Bytes; less than none if it has got more."""
        return self._bytes - self._free()[0]

    def _free(self) -> tuple[int, int]:
        found = os.statvfs(self._workspace)
        return found.f_bfree * found.f_frsize, found.f_ffree


class Walker:
    """A child process that counts again and again. ``pipe`` becomes readable with each count."""

    def __init__(self, workspace: str, uid: int | None, most_bytes: int, most_entries: int) -> None:
        self.first: tuple[int, int] | None = None
        """What the command found."""
        self.pipe, counts = os.pipe()
        words, self._words = os.pipe()
        os.set_blocking(self.pipe, False)
        self._pid = os.fork()
        if self._pid:
            os.close(counts)
            os.close(words)
            return
        with suppress(OSError, MemoryError):
            _serve(workspace, uid, words, counts, most_bytes, most_entries)
        os._exit(0)

    def tell(self, user_namespace: str) -> None:
        """Where the jail's user namespace is, as soon as there is one."""
        with suppress(OSError):
            os.write(self._words, user_namespace.encode() + b"\n")

    def latest(self) -> tuple[int, int] | None:
        """The last count that came, bytes and entries."""
        text = b""
        with suppress(BlockingIOError):
            text = os.read(self.pipe, LINE * 100)
        lines = text.split(b"\n")[:-1]
        return self._last(lines)

    def fresh(self, seconds: float) -> tuple[int, int] | None:
        """A count that begins now; ``None`` if it takes longer than ``seconds``."""
        give_up = time.monotonic() + seconds
        text = b""
        with suppress(OSError):
            os.write(self._words, AGAIN + b"\n")
            while (left := give_up - time.monotonic()) > 0 and ready([self.pipe], left):
                if not (piece := os.read(self.pipe, LINE * 100)):
                    return None
                text += piece
                lines = text.split(b"\n")[:-1]
                if FRESH in lines[:-1]:
                    return self._last(lines)
        return None

    def _last(self, lines: list[bytes]) -> tuple[int, int] | None:
        counts = [_count(line) for line in lines if line != FRESH]
        if self.first is None and counts:
            self.first = counts[0]
        return counts[-1] if counts else None

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        os.close(self.pipe)
        os.close(self._words)


def _count(line: bytes) -> tuple[int, int]:
    taken, entries = line.split()
    return int(taken), int(entries)


def _serve(workspace: str, uid: int | None, words: int, counts: int, most_bytes: int, most_entries: int) -> None:
    most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], MOST_OPEN)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    parent = os.getppid()
    root = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    if uid is not None:
        become(uid)
    kernel.die_with_parent(signal.SIGKILL)
    while os.getppid() == parent:
        started = time.monotonic()
        taken, entries = count(root, most_bytes, most_entries)
        os.write(counts, b"%d %d\n" % (taken, entries))
        give_up = time.monotonic() + max(PAUSE, REST * (time.monotonic() - started))
        while (rest := give_up - time.monotonic()) > 0 and ready([words], rest):
            said = os.read(words, 4096).split(b"\n")
            for path in said:
                with suppress(OSError):
                    kernel.enter(os.open(path, os.O_RDONLY))
            if AGAIN in said:
                os.write(counts, FRESH + b"\n")
                break


def count(root: int, most_bytes: int, most_entries: int) -> tuple[int, int]:
    """Bytes on the disk (a sparse file takes few) and entries below ``root``; stops when either is passed."""
    taken = entries = 0
    linked: set[int] = set()
    open_folders = [(os.dup(root), os.scandir(root))]
    try:
        while open_folders and taken <= most_bytes and entries <= most_entries:
            fd, listing = open_folders[-1]
            entry = next(listing, None)
            if entry is None:
                listing.close()
                os.close(fd)
                open_folders.pop()
                continue
            entries += 1
            try:
                found = os.stat(entry.name, dir_fd=fd, follow_symlinks=False)
                if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
                    if found.st_ino in linked:
                        continue
                    linked.add(found.st_ino)
                taken += found.st_blocks * 512
                if stat.S_ISDIR(found.st_mode):
                    child = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                    open_folders.append((child, os.scandir(child)))
            except OSError as error:
                if error.errno in TOO_DEEP:
                    return taken, most_entries + 1
    finally:
        for fd, listing in open_folders:
            listing.close()
            os.close(fd)
    return taken, entries


TOO_DEEP = (24,)
"""EMFILE: each folder on the way is open."""
