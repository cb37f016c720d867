"""The system calls that commands do not get, as a program for the kernel (seccomp(2)), made with libseccomp.

The list names what is refused, because compilers, Node, Java and databases use most of the rest. It is about three
things: parts of the kernel that give power or were often broken into, memory that nobody could count, and ways to leave
something behind. A refused call looks as if this kernel did not have it (``ENOSYS``), so that programs fall back, or as
forbidden (``EPERM``).
"""

from __future__ import annotations

import errno
import stat
import struct
import tempfile
from collections.abc import Iterator
from functools import cache
from typing import Final

from agent.errors import PermanentError

ABSENT: Final = (
    # The keys of a session or a user do not stop at a namespace's border.
    *("add_key", "keyctl", "request_key"),
    # Does what other system calls do, past this filter.
    *("io_uring_setup", "io_uring_enter", "io_uring_register"),
    # Slow, and takes from a number of requests that the whole machine shares.
    *("io_setup", "io_submit", "io_getevents", "io_pgetevents", "io_cancel", "io_destroy"),
    # Memory that appears in no process's account, or only where its owner maps it.
    *("memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "shmdt"),
    *("msgget", "msgsnd", "msgrcv", "msgctl", "semget", "semop", "semctl", "semtimedop", "mq_open", "mq_unlink"),
    # Helpers of many exploits: they stop the kernel in the middle of a copy, or run code in it.
    *("userfaultfd", "bpf", "perf_event_open", "fanotify_init", "fanotify_mark"),
    # Their flags are behind a pointer, where a filter cannot look; libc falls back to clone and openat.
    *("clone3", "openat2"),
)
FORBIDDEN: Final = (
    # Other processes' memory and registers; also the only way around a filter that a process has set for itself.
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd"),
    # A tree of mounts of one's own, and other namespaces.
    *("mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("mount_setattr", "setns", "unshare"),
    # Files by number, past the folders above them.
    *("name_to_handle_at", "open_by_handle_at"),
    # The machine itself.
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff"),
    *("quotactl", "quotactl_fd", "acct", "syslog", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime"),
    *("sethostname", "setdomainname", "iopl", "ioperm", "modify_ldt", "vhangup", "nfsservctl", "lookup_dcookie"),
    *("uselib", "ustat", "sysfs", "_sysctl", "migrate_pages", "move_pages", "mbind", "set_mempolicy"),
)
NEW_NAMESPACES: Final = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
"""clone's CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET."""
CLONE_FILES, CLONE_THREAD, CLOSE_RANGE_UNSHARE = 0x400, 0x10000, 2
UNIX, INET, NETLINK, INET6, LAST_FAMILY = 1, 2, 16, 10, 45
"""Socket families. Netlink: only its routing protocol (0), which tells programs the names of the interfaces."""
TIOCSTI, TIOCLINUX = 0x5412, 0x541C
"""ioctls that type into a terminal."""
SOL_SOCKET: Final = 1
BUFFER_OPTIONS: Final = (7, 8, 32, 33)
"""SO_SNDBUF, SO_RCVBUF, and what lets root pass their limits."""
RLIMIT_CORE: Final = 4
RENAME_WHITEOUT: Final = 4
MODE_ARGUMENTS: Final = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2, "mknod": 1, "mknodat": 2, "creat": 1}
"""Where these calls take a mode. Files with a setuid or setgid bit, or devices, must not lie on the host."""
OPEN_ARGUMENTS: Final = {"open": 1, "openat": 2}
"""Where these take their flags; the mode follows, and counts only where a file is made."""
S_IFMT: Final = 0o170000
"""The bits of a mode that say what kind of file it is."""
CREATING: Final = (0o100, 0o20000000)
"""O_CREAT and the bit of O_TMPFILE that is its own."""

NUMBERS: Final = {"fchmodat2": 452}
"""What libseccomp 2.5.4 has no name for. From 424 on the numbers are the same on all architectures."""
LAST_KNOWN: Final = 462
"""``mseal`` of Linux 6.10. What comes later is absent until somebody has looked at it."""


class Unavailable(PermanentError):
    """There is no libseccomp; the message says what to install."""


@cache
def program() -> bytes:
    """The filter for this machine's architecture, as bubblewrap takes it. Raises ``Unavailable``."""
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise Unavailable(
            f"there is no system call filter ({error}); on Debian: apt-get install libseccomp2, "
            "and pip install pyseccomp"
        ) from error
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    arch = pyseccomp.system_arch()
    for call, action, comparisons in _rules():
        number = NUMBERS.get(call) or pyseccomp.resolve_syscall(arch, call)
        if number >= 0:  # libseccomp gives negative ones to calls that this architecture does not have
            rules.add_rule(pyseccomp.ERRNO(action), number, *(pyseccomp.Arg(*comparison) for comparison in comparisons))
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return _newer_is_absent() + file.read()


EQ, NE, GT, MASKED_EQ = 4, 1, 6, 7
INT: Final = 0xFFFFFFFF
"""The part of a register that the kernel takes where an argument is an int."""
Rule = tuple[str, int, tuple[tuple[int, ...], ...]]
"""A call, the error that it gives, and what its arguments must be for that: (argument, comparison, value …)."""


def _rules() -> Iterator[Rule]:
    for call in ABSENT:
        yield call, errno.ENOSYS, ()
    for call in FORBIDDEN:
        yield call, errno.EPERM, ()
    # A thread with descriptors of its own, which stand in no list that anybody looks at: deleted files that it holds.
    yield "clone", errno.EPERM, ((0, MASKED_EQ, CLONE_THREAD | CLONE_FILES, CLONE_THREAD),)
    yield "close_range", errno.EINVAL, (_has(2, CLOSE_RANGE_UNSHARE),)
    for flag in NEW_NAMESPACES:
        yield "clone", errno.EPERM, (_has(0, flag),)
    for request in (TIOCSTI, TIOCLINUX):
        yield "ioctl", errno.EPERM, ((1, MASKED_EQ, INT, request),)
    yield from _buffers()
    # Reserving space takes no time at all, so that no count could come in time. libc then writes instead.
    yield "fallocate", errno.EOPNOTSUPP, ()
    # Leaves a device, 0:0, in the place of what was moved.
    yield "renameat2", errno.EINVAL, (_has(4, RENAME_WHITEOUT),)
    # The limit of 1 byte keeps the kernel from starting the machine's collector of crash dumps; a limit of 0 does not.
    yield "setrlimit", errno.EPERM, ((0, MASKED_EQ, INT, RLIMIT_CORE),)
    yield "prlimit64", errno.EPERM, ((1, MASKED_EQ, INT, RLIMIT_CORE), (2, NE, 0))
    # Another personality switches protections off, such as the random layout of memory.
    yield "personality", errno.EPERM, ((0, NE, 0),)
    for call in ("socket", "socketpair"):
        yield from _families(call)
    yield from _modes()


def _families(call: str) -> Iterator[Rule]:
    for family in range(LAST_FAMILY + 1):
        if family not in (UNIX, INET, INET6, NETLINK):
            yield call, errno.EAFNOSUPPORT, ((0, EQ, family),)
    yield call, errno.EAFNOSUPPORT, ((0, GT, LAST_FAMILY),)
    yield call, errno.EAFNOSUPPORT, ((0, EQ, NETLINK), (2, NE, 0))


def _buffers() -> Iterator[Rule]:
    # Answered as if it had been done: no more than the system's default may wait in a socket.
    for option in BUFFER_OPTIONS:
        yield "setsockopt", 0, ((1, MASKED_EQ, INT, SOL_SOCKET), (2, MASKED_EQ, INT, option))


def _modes() -> Iterator[Rule]:
    for bit in (stat.S_ISUID, stat.S_ISGID):
        for call, argument in MODE_ARGUMENTS.items():
            yield call, errno.EPERM, (_has(argument, bit),)
        for call, argument in OPEN_ARGUMENTS.items():
            for creating in CREATING:
                yield call, errno.EPERM, (_has(argument, creating), _has(argument + 1, bit))
    for call in ("mknod", "mknodat"):
        for kind in (stat.S_IFCHR, stat.S_IFBLK):
            yield call, errno.EPERM, ((MODE_ARGUMENTS[call], MASKED_EQ, S_IFMT, kind),)


def _has(argument: int, bit: int) -> tuple[int, ...]:
    return argument, MASKED_EQ, bit, bit


def _newer_is_absent() -> bytes:
    """In front of libseccomp's program, which cannot compare numbers: what is newer than ``LAST_KNOWN`` is absent."""
    load_number = (0x20, 0, 0, 0)  # BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)
    is_newer = (0x25, 0, 1, LAST_KNOWN)  # BPF_JMP | BPF_JGT | BPF_K: else jump over the next one
    is_absent = (0x06, 0, 0, 0x00050000 | errno.ENOSYS)  # BPF_RET, SECCOMP_RET_ERRNO
    return b"".join(struct.pack("=HBBI", *step) for step in (load_number, is_newer, is_absent))
