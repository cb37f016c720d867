"""System calls that Python 3.11 has no functions for."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
KEYCTL = {"x86_64": 250, "aarch64": 219}
KEYCTL_JOIN_SESSION_KEYRING = 1

_libc = ctypes.CDLL(None, use_errno=True)


def own_mounts() -> None:
    """Leave the machine's mount namespace: what is mounted from now on nobody else sees. Needs root."""
    _check(_libc.unshare(CLONE_NEWNS))
    _mount(None, "/", None, MS_REC | MS_PRIVATE, None)


def own_network(*, with_users: bool) -> None:
    """Leave the machine's network; ``with_users``: within a user namespace of one's own, which needs no root."""
    _check(_libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if with_users else 0)))


def mount_tmpfs(path: str, options: str) -> None:
    _mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options)


def bind(source: str, path: str) -> None:
    _mount(source, path, None, MS_BIND | MS_REC, None)


def enter(namespace: int) -> None:
    """Join the namespace that ``namespace``, a descriptor of /proc/<pid>/ns/…, stands for."""
    _check(_libc.setns(namespace, 0))


def die_with_parent(signal: int) -> None:
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0))


def no_new_privileges() -> None:
    """From now on, no program that is executed gives more rights."""
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def fresh_session_keyring() -> None:
    """Leave the service's session keyring. Where the kernel has no keys there is nothing to leave."""
    if (number := KEYCTL.get(os.uname().machine)) is not None:
        with suppress(OSError):
            _check(_libc.syscall(ctypes.c_long(number), KEYCTL_JOIN_SESSION_KEYRING, None))


def _mount(source: str | None, path: str, kind: str | None, flags: int, options: str | None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, path, kind, options)]
    _check(_libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]))


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
