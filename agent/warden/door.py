"""The jail's door: a socket on the jail's loopback, and behind it our proxy, which has the machine's network.

The proxy is forked off first, and waits; then the warden goes into the jail's network, makes the socket there and hands
it over. What a proxy needs is imported, and the time for that spent, once somebody knocks.
"""

from __future__ import annotations

import _socket  # what the module socket adds takes longer to import than most commands take to run
import array
import os
import select
import signal
from contextlib import suppress

from agent.warden import kernel
from agent.warden.start import NICENESS

ADDRESS = "127.0.0.1"
UNKNOWN_PORT = f"{ADDRESS}:door"
"""Stands in bubblewrap's arguments where the door's address is to stand."""
BACKLOG = 128
LAST_WORDS = 1.0
"""Seconds for the report; it takes a millisecond."""


class Door:
    """``orders``: what ``agent.proxy.main`` is told."""

    def __init__(self, orders: dict[str, object]) -> None:
        self._control, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        warden = os.getpid()
        self._pid = os.fork()
        if self._pid:
            theirs.close()
            return
        try:
            kernel.die_with_parent(signal.SIGKILL)
            if os.getppid() == warden:
                _wait_behind(theirs, orders)
        finally:
            os._exit(0)

    def open(self, argv: list[str]) -> None:
        """Make it in the network that this process is in now, and put its address into bubblewrap's ``argv``."""
        listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        listener.bind((ADDRESS, 0))
        listener.listen(BACKLOG)
        address = f"{ADDRESS}:{listener.getsockname()[1]}"
        descriptors = array.array("i", [listener.fileno()])
        self._control.sendmsg([b"d"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        listener.close()
        for at in range(argv.index("--")):
            argv[at] = argv[at].replace(UNKNOWN_PORT, address)

    def close(self) -> bytes:
        """The proxy's report, as JSON; empty where nobody came."""
        text = b""
        with suppress(OSError):
            self._control.shutdown(_socket.SHUT_WR)
            while select.select([self._control], [], [], LAST_WORDS)[0] and (piece := self._control.recv(65_536)):
                text += piece
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._control.close()
        return text


def _wait_behind(control: _socket.socket, orders: dict[str, object]) -> None:
    _keep_only(control.fileno())
    os.nice(NICENESS)
    _, ancillary, _, _ = control.recvmsg(1, _socket.CMSG_SPACE(array.array("i").itemsize))
    if not ancillary:
        return  # the warden has ended before
    descriptors = array.array("i")
    descriptors.frombytes(ancillary[0][2])
    listener = descriptors[0]
    if control.fileno() in select.select([control.fileno(), listener], [], [])[0]:
        return
    import socket

    from agent.proxy.main import main

    main(orders, socket.socket(fileno=listener), socket.socket(fileno=control.detach()))


def _keep_only(fd: int) -> None:
    """The command's input and outputs, too, must not be held by anybody else."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for other in map(int, os.listdir("/proc/self/fd")):
        if other > 2 and other != fd:
            with suppress(OSError):  # that of the listing itself
                os.close(other)
