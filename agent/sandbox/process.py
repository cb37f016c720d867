"""Running one command as an own process group, reading it with short ticks, and leaving nothing behind."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from agent.messages import CommandResult

TICK: Final = 0.25
"""Seconds between two looks at the clock and at ``check`` while a command is silent."""
CHUNK: Final = 16 * 1024
"""Bytes of one read, so of one event at most: viewers that fall behind lose little."""
MAX_OUTPUT: Final = 8 * 1024 * 1024
"""Bytes of output after which a command is killed; nobody reads that, and it would run on until its timeout."""

OnOutput = Callable[[str, str], None]


def run_process(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    on_output: OnOutput,
    check: Callable[[], None],
) -> CommandResult:
    """Run ``argv`` (see ``Sandbox.run`` for the contract); ``timeout`` in seconds."""
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        return _follow(process, time.monotonic() + timeout, on_output, check)
    finally:
        _kill_group(process)


def _follow(
    process: subprocess.Popen[bytes], deadline: float, on_output: OnOutput, check: Callable[[], None]
) -> CommandResult:
    pipes = _Pipes(process, on_output)
    try:
        while pipes.are_open and process.poll() is None:
            check()
            if time.monotonic() >= deadline:
                return CommandResult(exit_code=None, timed_out=True)
            pipes.read(min(TICK, max(0.0, deadline - time.monotonic())))
            if pipes.total > MAX_OUTPUT:
                return CommandResult(exit_code=None, truncated=True)
        while process.poll() is None:  # closed its output, still runs
            check()
            if time.monotonic() >= deadline:
                return CommandResult(exit_code=None, timed_out=True)
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(TICK, max(0.01, deadline - time.monotonic())))
        pipes.drain()
        return CommandResult(exit_code=process.returncode)
    finally:
        pipes.close()


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
        ready = self._selector.select(wait)
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

    def drain(self) -> None:
        """Pass on the rest. A background process may hold a pipe open for ever, so this does not wait for its end."""
        while self.are_open and self.total <= MAX_OUTPUT and self.read(0):
            pass

    def close(self) -> None:
        self._selector.close()
        for file in self._files:
            file.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # Also after a normal end: what the command left in the background ends with it.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
