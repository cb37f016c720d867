"""Starting bubblewrap as somebody who has nothing on this machine."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress

from agent.warden import kernel
from agent.warden.cgroup import Cgroup
from agent.warden.orders import LENT, Orders

NICENESS = 10
"""A jail that wants all processors gets about a tenth of what the service does."""
NO_DUMP = 1
"""Bytes of a core dump, too few for one. Where core_pattern is a pipe, 0 does not keep the kernel from starting root's
program at its other end (fs/coredump.c), and this does. The filter lets nobody change it."""
FIRST_TO_KILL = 1000
"""oom_score_adj: when the whole machine runs out of memory, a jail goes first."""
FAILED = 126


def lend(orders: Orders) -> None:
    """Put what the jail needs where its uid can walk to. Needs root; only this process and its children see it."""
    if not orders.lent:
        return
    kernel.own_mounts()
    # Opened after the change: a descriptor from before belongs to mounts that this namespace does not have.
    opened = {name: os.open(path, os.O_PATH | os.O_NOFOLLOW) for name, path in orders.lent.items()}
    kernel.mount_tmpfs(LENT, "size=64k,mode=755")
    for name, fd in opened.items():
        os.mkdir(f"{LENT}/{name}")
        kernel.bind(f"/proc/self/fd/{fd}", f"{LENT}/{name}")
        os.close(fd)


def start(orders: Orders, info: int, cgroup: Cgroup | None) -> int:
    """Start the jail; returns bubblewrap's pid, and on ``info`` comes the jail's first process."""
    parent = os.getpid()
    if pid := os.fork():
        return pid
    try:
        os.nice(NICENESS)
        with suppress(ValueError, OSError):  # where somebody has set a hard limit of 0
            resource.setrlimit(resource.RLIMIT_CORE, (NO_DUMP, NO_DUMP))
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(FIRST_TO_KILL))
        if cgroup is not None:
            cgroup.take(os.getpid())
        if orders.uid is not None:
            become(orders.uid)
        kernel.fresh_session_keyring()
        # After the change of uid, which resets it; an exec keeps it.
        kernel.die_with_parent(signal.SIGKILL)
        if os.getppid() == parent:
            os.chdir("/")
            _ordinary_signals()
            os.set_inheritable(info, True)
            os.execve(orders.argv[0], orders.argv, {})
    except (OSError, ValueError) as error:  # a command line that no program can be given
        os.write(2, f"The jail could not be started: {error}\n".encode())
    finally:
        os._exit(FAILED)


def _ordinary_signals() -> None:
    """A program keeps what is ignored and what is blocked. Python ignores SIGPIPE, without which the writer of
    ``yes | head`` never ends, and a service behind ``nohup`` SIGHUP. SIGXFSZ stays ignored: a file that gets too large
    is an error that the command can say something about, not its death.
    """
    for number in signal.valid_signals() - {signal.SIGXFSZ}:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def become(uid: int) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
