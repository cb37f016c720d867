"""What a warden does besides for a command that goes on beside later ones.

It keeps the last output, ends the jail when its time is over or on SIGTERM, and writes down how it ended: whoever asks
may be another process than the one that started it.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

from agent.warden.ring import CHUNK, Ring

BREATH = 0.01
"""Seconds after a full piece: at most 1.6 MB of output a second keep the warden busy, the rest waits in the pipe."""


class Background:
    """``output``, ``end``: descriptors of files. ``seconds``: how long it may take.

    ``called`` becomes readable when it is to end.
    """

    def __init__(self, output: int, end: int, seconds: float) -> None:
        self.seconds = seconds
        self._until = time.monotonic() + seconds
        self._end = end
        self._ring = Ring(output)
        for fd in (output, end):
            os.set_inheritable(fd, False)
        self._pipe, writing = os.pipe()
        self._is_open = True
        os.set_blocking(self._pipe, False)
        for fd in (1, 2):
            os.dup2(writing, fd)
        os.close(writing)
        self.called, calling = os.pipe()
        os.set_blocking(calling, False)
        signal.set_wakeup_fd(calling)
        signal.signal(signal.SIGTERM, lambda number, frame: None)

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self._until

    @property
    def is_forgotten(self) -> bool:
        """Whether the run's folder was removed: nobody can ask for it any more."""
        return os.fstat(self._end).st_nlink == 0

    @property
    def pipes(self) -> list[int]:
        """Readable with output."""
        return [self._pipe] if self._is_open else []

    def take(self) -> bool:
        """Keep what has come; whether there may be more."""
        try:
            piece = os.read(self._pipe, CHUNK)
        except BlockingIOError:
            return False
        self._is_open = bool(piece)
        with suppress(OSError):
            self._ring.add(piece)
        if len(piece) == CHUNK:
            time.sleep(BREATH)
        return self._is_open

    def write_end(self, end: dict[str, object], moved: bytes) -> None:
        """In one piece, as the last thing that is done. ``moved``: the proxy's report, if there is one."""
        import json

        while self.take():
            pass
        with suppress(OSError):
            os.write(self._end, json.dumps(end | ({"network": json.loads(moved)} if moved else {})).encode())
