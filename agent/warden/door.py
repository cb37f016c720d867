"""The jail's door: a socket on the jail's loopback, and behind it our proxy, which has the machine's network.

The proxy is forked off first, and waits; then the warden goes into the jail's network, makes the socket there and hands
it over. What a proxy needs is imported, and the time for that spent, once somebody knocks.
"""

from __future__ import annotations

import _socket  # what the module socket adds takes longer to import than most commands take to run
import array
import os
import signal
from contextlib import suppress

from agent.warden import kernel
from agent.warden.ready import ready
from agent.warden.start import NICENESS

ADDRESS = "127.0.0.1"
UNKNOWN_PORT = f"{ADDRESS}:door"
"""Stands in bubblewrap's arguments where the door's address is to stand."""
BACKLOG = 128
MOST_DIRECT, LONGEST_NAMES = 100, 10_000
LAST_WORDS = 1.0
"""Seconds for the report; it takes a millisecond."""


class Door:
    """``orders``: what ``agent.proxy.main`` is told. ``direct``: servers of this machine's loopback, which stand at the
    same address (``127.0.0.1:4873``) in the jail, as programs ask no proxy for one.
    """

    def __init__(self, orders: dict[str, object], direct: list[str]) -> None:
        self._direct = direct
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
        listeners = {"": _listen(0)}
        address = f"{ADDRESS}:{listeners[''].getsockname()[1]}"
        for server in self._direct:
            with suppress(OSError):  # an earlier command, which goes on in this network, has it
                listeners[server] = _listen(int(server.rpartition(":")[2]))
        descriptors = array.array("i", [listener.fileno() for listener in listeners.values()])
        names = "\n".join(listeners).encode() + b"\n"
        self._control.sendmsg([names], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        for listener in listeners.values():
            listener.close()
        for at in range(argv.index("--")):
            argv[at] = argv[at].replace(UNKNOWN_PORT, address)

    def close(self) -> bytes:
        """The proxy's report, as JSON; empty where nobody came."""
        text = b""
        with suppress(OSError):
            self._control.shutdown(_socket.SHUT_WR)
            while ready([self._control.fileno()], LAST_WORDS) and (piece := self._control.recv(65_536)):
                text += piece
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._control.close()
        return text


def _listen(port: int) -> _socket.socket:
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    listener.bind((ADDRESS, port))
    listener.listen(BACKLOG)
    return listener


def _wait_behind(control: _socket.socket, orders: dict[str, object]) -> None:
    _keep_only(control.fileno())
    os.nice(NICENESS)
    names, ancillary, _, _ = control.recvmsg(LONGEST_NAMES, _socket.CMSG_SPACE(MOST_DIRECT * 8))
    if not ancillary:
        return  # the warden has ended before
    descriptors = array.array("i")
    descriptors.frombytes(ancillary[0][2])
    if control.fileno() in ready([control.fileno(), *descriptors]):
        return
    import socket

    from agent.proxy.main import main

    doors = {socket.socket(fileno=fd): name for fd, name in zip(descriptors, names.decode().split("\n"), strict=False)}
    main(orders, doors, socket.socket(fileno=control.detach()))


def _keep_only(fd: int) -> None:
    """The command's input and outputs, too, must not be held by anybody else."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for other in map(int, os.listdir("/proc/self/fd")):
        if other > 2 and other != fd:
            with suppress(OSError):  # that of the listing itself
                os.close(other)
