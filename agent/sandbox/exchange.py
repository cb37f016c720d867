"""One request to a program over its stdin, one bounded answer over its stdout."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from agent.errors import TransientError

TICK: Final = 0.25
"""Seconds between two looks at the clock and at ``check``."""
CHUNK: Final = 65_536
MAX_ERRORS: Final = 2_000
"""Bytes of stderr that are kept for the message."""

Start = Callable[[], AbstractContextManager["subprocess.Popen[bytes]"]]
"""Starts a program with pipes for all three; at the end of the block it has ended, whatever was left of it."""


class ExchangeFailed(TransientError):
    """The program did not answer as it should; the message says how."""


def exchange(
    start: Start,
    request: bytes,
    *,
    timeout: float,
    limit: int,
    check: Callable[[], None],
) -> bytearray:
    """The answer of a program to ``request``, at most ``limit`` bytes within ``timeout`` seconds.

    Raises ``ExchangeFailed``, ``OSError`` where it cannot be started, and what ``check`` raises.
    """
    with start() as process, closing(_Talk(process, request)) as talk:
        give_up = time.monotonic() + timeout
        while talk.goes_on:
            check()
            if time.monotonic() >= give_up:
                raise ExchangeFailed(f"the files of the workspace could not be looked at within {timeout:g} s")
            talk.step(min(TICK, max(0.0, give_up - time.monotonic())))
            if len(talk.answer) > limit:
                raise ExchangeFailed(f"expected an answer of at most {limit} bytes about the workspace's files")
        if not talk.answer:
            raise ExchangeFailed(f"the workspace's files could not be looked at: {talk.said or 'no answer'}")
        return talk.answer


@contextmanager
def plain_process(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A ``Start``, once its arguments are given: an ordinary child in a process group of its own."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        argv, cwd=cwd, env=dict(env), stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class _Talk:
    """Both directions at once: neither side ever waits for the other to read."""

    def __init__(self, process: subprocess.Popen[bytes], request: bytes) -> None:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        self.answer = bytearray()
        self.errors = bytearray()
        self._rest = memoryview(request)
        self._files: list[IO[bytes]] = [process.stdin, process.stdout, process.stderr]
        self._selector = selectors.DefaultSelector()
        does = (self._send, self._receive, self._hear)
        for file, do in zip(self._files, does, strict=True):
            os.set_blocking(file.fileno(), False)
            events = selectors.EVENT_WRITE if do == self._send else selectors.EVENT_READ
            self._selector.register(file.fileno(), events, do)

    @property
    def goes_on(self) -> bool:
        return self._files[1].fileno() in self._selector.get_map()

    @property
    def said(self) -> str:
        """Its last words on stderr."""
        return self.errors.decode(errors="replace").strip()[-300:]

    def step(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            with suppress(BlockingIOError):
                if not key.data(key.fd):
                    self._selector.unregister(key.fd)
                    if key.data == self._send:
                        self._files[0].close()

    def close(self) -> None:
        self._selector.close()
        for file in self._files:
            with suppress(BrokenPipeError):
                file.close()

    def _send(self, fd: int) -> bool:
        if not self._rest:
            return False
        try:
            self._rest = self._rest[os.write(fd, self._rest[:CHUNK]) :]
        except BrokenPipeError:  # it has stopped listening; its answer says why
            return False
        return True

    def _receive(self, fd: int) -> bool:
        piece = os.read(fd, CHUNK)
        self.answer += piece
        return bool(piece)

    def _hear(self, fd: int) -> bool:
        piece = os.read(fd, CHUNK)
        self.errors = (self.errors + piece)[-MAX_ERRORS:]
        return bool(piece)
