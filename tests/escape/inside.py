"""What every hostile program begins with. It is sent into the jail in front of it and needs nothing but Python there.

A program says what came of it in lines: ``ESCAPED …`` (it could do what it must not), ``HELD …`` (it could not, and
why), ``UNTRIED …`` (something that it needs is missing), ``PASSED …`` (it has more than a budget now), ``STAYS`` (it
will not end by itself). The harness puts two names in front: ``HOST``, what stands on the host to be reached, and
``BUDGET``, how much the jail may take.
"""

import contextlib
import ctypes
import errno
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

HOST: dict[str, Any] = globals().get("HOST", {})
BUDGET: dict[str, int] = globals().get("BUDGET", {})
MIB = 1024 * 1024
PATIENCE = 3.0  # seconds that a program holds what it took before it says that nobody stopped it
LIBC = ctypes.CDLL(None, use_errno=True)

# Numbers on x86_64 and aarch64; from 424 on they are the same everywhere.
CALLS = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "fchmodat2": (452, 452),
    "finit_module": (313, 273),
    "fsopen": (430, 430),
    "init_module": (175, 105),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmat": (30, 196),
    "shmget": (29, 194),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
LOOKED_AT = (errno.EFAULT, errno.EINVAL, errno.EBADF, errno.ESRCH, errno.E2BIG, errno.ENOTTY, errno.ENOTBLK)


def say(word: str, what: object) -> None:
    """One whole line in one write, so that processes that speak at once do not mix theirs."""
    os.write(1, f"{word} {' '.join(str(what).split())}\n".encode(errors="replace"))


def escaped(what: object) -> None:
    say("ESCAPED", what)


def held(why: object) -> None:
    say("HELD", why)


def untried(what: object) -> None:
    say("UNTRIED", what)
    sys.exit(0)


@contextlib.contextmanager
def trying(what: str) -> Iterator[None]:
    """The block must fail; where it does not, ``what`` has been done."""
    try:
        yield
    except (OSError, MemoryError) as error:
        number = getattr(error, "errno", None)
        held(f"{errno.errorcode.get(number, number) if number else type(error).__name__} on: {what}")
    else:
        escaped(what)


def call(name: str, *args: Any) -> int:
    """A system call by its name; raises OSError."""
    number = CALLS[name][platform.machine() == "aarch64"]
    if number is None:
        raise OSError(errno.ENOSYS, f"{name} does not exist on {platform.machine()}")
    result = LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def reach(name: str, *args: Any) -> None:
    """The call must be refused before the kernel looks at its arguments: what it looks at, it can get wrong."""
    try:
        call(name, *args)
    except OSError as error:
        code = errno.errorcode.get(error.errno or 0, "?")
        (escaped if error.errno in LOOKED_AT else held)(f"{name}: {code}")
    else:
        escaped(f"{name} succeeded")


def hold(what: str) -> None:
    """Keep what was taken until somebody kills us; if nobody does, that is an escape."""
    time.sleep(PATIENCE)
    escaped(f"kept {what} for {PATIENCE:g} s")


def grow(budget: str, step: int, take: Callable[[int], Any], what: str) -> None:
    """Take ``step`` again and again until a quarter more than the budget is ours, then hold it."""
    kept, total = [], 0
    try:
        while total < BUDGET[budget] * 5 // 4:
            if total <= BUDGET[budget] < total + step:
                say("PASSED", budget)
            kept.append(take(step))
            total += step
    except (OSError, MemoryError) as error:
        number = getattr(error, "errno", None)
        reason = errno.errorcode.get(number, number) if number else type(error).__name__
        (held if total <= BUDGET[budget] else escaped)(f"{reason} after {total} {what}")
    else:
        hold(f"{total} {what}")


def child(body: Callable[[], Any]) -> int:
    """Fork; the child runs ``body`` and ends. Returns its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            body()
        finally:
            os._exit(0)
    return pid


def ignore_signals() -> None:
    for number in range(1, signal.NSIG):
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
