"""A function in a process of its own, with a pipe to it: load and publishers must not share our interpreter."""

import ctypes
import multiprocessing
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")

PR_SET_PDEATHSIG = 1
# Children start in a millisecond and inherit what is imported; safe because the process that forks has no threads.
_fork = multiprocessing.get_context("fork")


class JobFailed(Exception):
    """The function raised; the message is its traceback."""


class Job(Generic[T]):
    """Calls `function(link, *args)` in a child: `hear` gets what it sends through `link`, `result` what it returns."""

    def __init__(self, function: Callable[..., T], *args: Any) -> None:
        self._link, theirs = _fork.Pipe()
        self._process = _fork.Process(target=_main, args=(theirs, self._link, function, args), daemon=True)
        self._process.start()
        theirs.close()

    def hear(self, seconds: float) -> Any:
        """The next thing that the function sends."""
        kind, value = self._receive(seconds)
        if kind != "sent":
            raise JobFailed(f"expected a message from the job, got its result {value!r}")
        return value

    def tell(self, message: Any = None) -> None:
        self._link.send(message)

    def result(self, seconds: float) -> T:
        while True:
            kind, value = self._receive(seconds)
            if kind == "result":
                result: T = value
                return result

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._link.close()

    def _receive(self, seconds: float) -> tuple[str, Any]:
        if not self._link.poll(seconds):
            raise TimeoutError(f"waited {seconds:g} s for {self._process.name}")
        kind, value = self._link.recv()
        if kind == "failed":
            raise JobFailed(value)
        return kind, value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Link:
    """The child's end of the pipe."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def fileno(self) -> int:
        return self._connection.fileno()

    def send(self, value: Any) -> None:
        self._connection.send(("sent", value))

    def wait(self) -> Any:
        """What the parent tells."""
        return self._connection.recv()


def _main(ours: Connection, theirs: Connection, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    theirs.close()
    try:
        ours.send(("result", function(Link(ours), *args)))
    except BaseException:
        ours.send(("failed", traceback.format_exc()))
