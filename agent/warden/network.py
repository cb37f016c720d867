"""A jail's network: a loopback, and no way out. The warden makes it, because it puts a door there (door.py).

As root the network belongs to the machine's user namespace, in which a jail is nobody. Only root may do that; everybody
else needs a user namespace around both, whose powers end when bubblewrap is executed.
"""

from __future__ import annotations

import _socket  # as in door.py
import fcntl
import os
import struct

from agent.warden import kernel

SIOCSIFFLAGS = 0x8914
UP_AND_RUNNING = 0x1 | 0x40


def use(namespaces: list[int], argv: list[str]) -> None:
    """Go into ``namespaces`` (descriptors) or, where there are none, into new ones, and let bubblewrap stay there.

    Raises ``OSError``.
    """
    machines = os.stat("/proc/self/ns/net").st_ino
    if namespaces:
        for namespace in namespaces:
            kernel.enter(namespace)
            os.close(namespace)
    else:
        _make()
    if os.stat("/proc/self/ns/net").st_ino == machines:
        raise OSError("it would be the machine's own")
    argv.insert(argv.index("--unshare-all") + 1, "--share-net")


def _make() -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.own_network(with_users=uid != 0)
    if uid != 0:
        _write("setgroups", "deny")
        _write("uid_map", f"{uid} {uid} 1")
        _write("gid_map", f"{gid} {gid} 1")
    any_socket = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
    fcntl.ioctl(any_socket.fileno(), SIOCSIFFLAGS, struct.pack("16sh", b"lo", UP_AND_RUNNING))
    any_socket.close()


def _write(name: str, text: str) -> None:
    with open(f"/proc/self/{name}", "w") as file:
        file.write(text)
