"""The jail's processes as seen from outside: all that its pid namespace holds, whoever their parents are by now."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from agent.warden.ready import ready

APPEAR = 5.0
"""Seconds within which bubblewrap has made its namespaces (a few milliseconds) or has failed."""


class Jail:
    """``first`` is a descriptor of the namespace's first process: when that is killed, the kernel kills the rest."""

    def __init__(self, info: int, bubblewrap: int) -> None:
        self._bubblewrap = bubblewrap
        self._first: int | None = None
        self._pid: int | None = None
        self._proc: int | None = None
        self._read(info)

    def _read(self, info: int) -> None:
        """bubblewrap writes ``{"child-pid": 123, …}``; nothing where it failed before it had a child."""
        text = b""
        give_up = time.monotonic() + APPEAR
        while not text.rstrip().endswith(b"}") and ready([info], max(0.0, give_up - time.monotonic())):
            piece = os.read(info, 4096)
            if not piece:
                break
            text += piece
        with suppress(ValueError, OSError):
            self._pid = _number_after(b'"child-pid"', text)
            self._first = os.pidfd_open(self._pid)

    @property
    def is_known(self) -> bool:
        """Whether there is anything to watch."""
        return self._first is not None

    def kill(self) -> None:
        """Also kills what the first process has not yet become, should it still be on its way."""
        with suppress(OSError):
            if self._first is not None:
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            else:
                os.kill(self._bubblewrap, signal.SIGKILL)

    def path(self, name: str) -> str:
        """``name`` below /proc/<the first process>."""
        return f"/proc/{self._pid}/{name}"

    def root(self, path: str) -> str:
        """A path of the jail as this process reaches it."""
        return f"/proc/{self._pid}/root{path}"

    def proc(self) -> int | None:
        """A descriptor of the jail's own /proc; ``None`` while it has none (or no longer).

        Until bubblewrap has changed its root folder, the path leads to the machine's /proc.
        """
        if self._proc is None and self._pid is not None:
            with suppress(OSError):
                fd = os.open(self.root("/proc"), os.O_RDONLY | os.O_DIRECTORY)
                if os.fstat(fd).st_dev == os.stat("/proc").st_dev:
                    os.close(fd)
                else:
                    self._proc = fd
        return self._proc


def _number_after(name: bytes, text: bytes) -> int:
    """A field of a JSON object that holds nothing but numbers. Raises ``ValueError``."""
    return int(text.partition(name)[2].lstrip(b" :").replace(b"}", b",").partition(b",")[0])
