"""Following one command: its output as it comes, its time, and its end with nothing left behind."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

from agent.messages import CommandResult, Killed

TICK: Final = 0.25
"""Seconds between two looks at the clock and at ``check`` while a command is silent."""
CHUNK: Final = 16 * 1024
"""Bytes of one read, so of one event at most: viewers that fall behind lose little."""

OnOutput = Callable[[str, str], None]


def follow(
    process: subprocess.Popen[bytes],
    *,
    timeout: float,
    max_output: int,
    on_output: OnOutput,
    check: Callable[[], None],
) -> CommandResult:
    """Pass on the output of ``process`` until it ends, its ``timeout`` (seconds) is over or it wrote too much (bytes).

    Whoever started the process ends it.
    """
    started = time.monotonic()
    deadline = started + timeout
    pipes = _Pipes(process, on_output)
    late = CommandResult(exit_code=None, killed=Killed(budget="time", used=timeout, limit=timeout))
    try:
        while pipes.are_open and process.poll() is None:
            check()
            if time.monotonic() >= deadline:
                return late
            pipes.read(min(TICK, max(0.0, deadline - time.monotonic())))
            if pipes.total > max_output:
                killed = Killed(budget="output", used=pipes.total, limit=max_output)
                return CommandResult(exit_code=None, killed=killed)
        while process.poll() is None:  # closed its output, still runs
            check()
            if time.monotonic() >= deadline:
                return late
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(TICK, max(0.01, deadline - time.monotonic())))
        pipes.drain(max_output)
        return CommandResult(exit_code=process.returncode)
    finally:
        pipes.close()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what a process started with ``start_new_session`` has left, also after its own end."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class _Pipes:
    """Both outputs of a process, decoded as they come: a character may be split between two reads."""

    def __init__(self, process: subprocess.Popen[bytes], on_output: OnOutput) -> None:
        assert process.stdout is not None and process.stderr is not None
        self.total = 0
        self._on_output = on_output
        self._files: list[IO[bytes]] = [process.stdout, process.stderr]
        self._selector = selectors.DefaultSelector()
        for source, file in zip(("stdout", "stderr"), self._files, strict=True):
            os.set_blocking(file.fileno(), False)
            decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
            self._selector.register(file.fileno(), selectors.EVENT_READ, (source, decoder))

    @property
    def are_open(self) -> bool:
        return bool(self._selector.get_map())

    def read(self, wait: float) -> bool:
        """Pass on what is there, waiting up to ``wait`` seconds for something; ``False`` if nothing came."""
        # What came first when both are there nobody can say; always the same order is easier to read.
        ready = sorted(self._selector.select(wait), key=lambda found: found[0].fd)
        for key, _ in ready:
            source, decoder = key.data
            try:
                data = os.read(key.fd, CHUNK)
            except BlockingIOError:
                continue
            self.total += len(data)
            if not data:
                self._selector.unregister(key.fd)
            if text := decoder.decode(data, final=not data):
                self._on_output(source, text)
        return bool(ready)

    def drain(self, max_output: int) -> None:
        """Pass on the rest. A background process may hold a pipe open for ever, so this does not wait for its end."""
        while self.are_open and self.total <= max_output and self.read(0):
            pass

    def close(self) -> None:
        self._selector.close()
        for file in self._files:
            file.close()
