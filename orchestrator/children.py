"""Starts programs without copying this process first, which gevent's ``subprocess`` does.

After a fork the system write-protects all memory of the process: the fork takes milliseconds, and then each page that
is written again costs a fault, some 1,300 in the next request. Python's own ``subprocess`` borrows the memory instead
(vfork) until the program has begun. Its part of the work is done by its code here, the rest stays gevent's: nobody
waits for a child's output or end but a greenlet.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any, Final

import gevent.subprocess
from gevent import monkey
from gevent.os import fork_and_watch

UNIVERSAL_NEWLINES: Final = 7
"""The place of the one argument that gevent's ``_execute_child`` has, and Python's has not."""


def start_without_copying() -> None:
    """Call once, after gevent has patched ``subprocess``."""
    plain = monkey.get_original("subprocess", "Popen")
    # gevent's close leaves a descriptor open until the loop turns, and Python's code waits for the end of one at once.
    at_once = SimpleNamespace(**{**vars(os), "close": monkey.get_original("os", "close")})
    start = _with(plain._execute_child, os=at_once, _fork_exec=monkey.get_original("subprocess", "_fork_exec"))
    close = _with(plain._close_pipe_fds, os=at_once)

    def execute_child(self: Any, *given: Any) -> None:
        self._loop.install_sigchld()
        *mine, process_group = given[:UNIVERSAL_NEWLINES] + given[UNIVERSAL_NEWLINES + 1 :]
        start(self, *mine, -1 if process_group is None else process_group)

    def close_pipe_fds(self: Any, *fds: int) -> None:
        """Python's code comes here as soon as there is a child, before the loop can turn and find it ended."""
        fork_and_watch(self._on_child, self._loop, True, lambda: self.pid)
        close(self, *fds)

    popen: Any = gevent.subprocess.Popen
    popen._execute_child, popen._close_pipe_fds = execute_child, close_pipe_fds
    # gevent's own forgets the pipes that it has when there is no descriptor left for the next one.
    popen._get_handles, popen._on_error_fd_closer = plain._get_handles, plain._on_error_fd_closer
    popen.pipesize = -1


def _with(function: Any, **names: Any) -> Callable[..., Any]:
    """The same code, to which these names mean something else."""
    return FunctionType(function.__code__, {**function.__globals__, **names}, function.__name__, function.__defaults__)
