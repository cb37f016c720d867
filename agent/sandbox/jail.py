"""What bubblewrap (https://github.com/containers/bubblewrap, 0.8 or newer) is told: what a command sees, and may do.

Inside there are the system's programs, read-only, the workspace, and small scratch space: no network but a loopback, no
environment, no other files and no other processes of this machine.
"""

from __future__ import annotations

import glob
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.sandbox.budgets import Budgets

INSIDE: Final = "/workspace"
PATH: Final = ("/usr/bin", "/bin", "/usr/sbin", "/sbin")
TOP_FOLDERS: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
PROGRAMS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec", "include")
"""Of /usr. Not /usr/local, /usr/src and the like: they hold what somebody has put on this machine."""
SHARED: Final = (
    *("ca-certificates", "fontconfig", "fonts", "icu", "locale", "mime", "misc", "terminfo", "zoneinfo"),
    *("awk", "gcc", "git-core", "java", "javascript", "node_modules", "nodejs", "npm", "perl", "perl5", "php"),
    *("python3", "python-wheels", "ruby", "rubygems-integration", "tcltk", "maven", "maven-repo"),
    *("aclocal", "autoconf", "bison", "libtool", "pkgconfig"),
)
"""Of /usr/share: what programs read while they work."""
SETTINGS: Final = (
    *("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "timezone", "nsswitch.conf"),
    *("ssl/certs", "ssl/openssl.cnf", "mime.types", "magic", "fonts", "perl", "java-*-openjdk", "java"),
)
"""Of /etc. Nothing that holds passwords, addresses or the names of this machine's users."""
HIDDEN: Final = ("/proc/keys", "/proc/key-users", "/proc/timer_list", "/proc/kcore", "/proc/latency_stats")
"""Whole-machine files of /proc that no command needs."""
USER: Final = 1000
"""Who commands are in their own eyes, in a user namespace of their own."""
MADE_UP: Final = {
    "/etc/passwd": f"sandbox:x:{USER}:{USER}::{INSIDE}:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n",
    "/etc/group": f"sandbox:x:{USER}:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
}


def argv(
    command: Sequence[str],
    workspace: str,
    budgets: Budgets,
    *,
    data: dict[str, int],
    seccomp: int,
    python: str | None,
    environment: Mapping[str, str],
) -> list[str]:
    """bubblewrap's command line. ``info`` in it becomes the descriptor on which it tells the jail's first process.

    ``workspace``, ``python``: where bubblewrap finds the workspace and, if the system has none, this process's Python.
    ``data``: descriptors that hold the ``MADE_UP`` files.
    """
    scratch = ("--size", str(budgets.scratch), "--tmpfs")
    return [
        shutil.which("bwrap") or "/usr/bin/bwrap",
        *("--unshare-all", "--unshare-user", "--disable-userns", "--uid", str(USER), "--gid", str(USER)),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
        *("--info-fd", "info", "--seccomp", str(seccomp)),
        *_programs(),
        *_settings(data),
        *_python(python),
        *("--proc", "/proc", *_hidden(), "--remount-ro", "/proc"),
        *("--dev", "/dev", *scratch, "/dev/shm", "--remount-ro", "/dev"),
        *(*scratch, "/tmp"),
        *("--bind", workspace, INSIDE, "--chdir", INSIDE),
        *("--remount-ro", "/"),
        *_environment(environment),
        *("--", "prlimit", *_limits(budgets), "--", *command),
    ]


def foreign_python() -> str | None:
    """Where this process's Python is installed, if the system has none of its own."""
    has_own = any(os.path.exists(f"{folder}/python3") for folder in PATH)
    return None if has_own else sys.base_prefix


def plain_environment(home: str) -> dict[str, str]:
    """What commands find in their environment beside ``PATH``."""
    return {
        "HOME": home,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",  # so that output is seen when it is written
    }


def _programs() -> Iterator[str]:
    for name in PROGRAMS:
        yield from ("--ro-bind-try", f"/usr/{name}", f"/usr/{name}")
    for name in SHARED:
        yield from ("--ro-bind-try", f"/usr/share/{name}", f"/usr/share/{name}")
    for folder in TOP_FOLDERS:
        if os.path.islink(folder):  # merged /usr
            yield from ("--symlink", os.readlink(folder), folder)
        else:
            yield from ("--ro-bind-try", folder, folder)


def _settings(data: dict[str, int]) -> Iterator[str]:
    for pattern in SETTINGS:
        for path in sorted(glob.glob(f"/etc/{pattern}")):
            yield from ("--ro-bind", path, path)
    for path, fd in data.items():
        yield from ("--ro-bind-data", str(fd), path)


def _python(source: str | None) -> Iterator[str]:
    if source is not None:
        for name in ("bin", "lib"):
            yield from ("--ro-bind", f"{source}/{name}", f"{sys.base_prefix}/{name}")


def _hidden() -> Iterator[str]:
    for path in HIDDEN:
        if os.path.exists(path):
            yield from ("--ro-bind", "/dev/null", path)


def _environment(more: Mapping[str, str]) -> Iterator[str]:
    prefix = foreign_python()
    path = ":".join([*PATH, f"{prefix}/bin"] if prefix else PATH)
    yield "--clearenv"
    for name, value in {"PATH": path, **plain_environment(INSIDE), **more}.items():
        yield from ("--setenv", name, value)


def _limits(budgets: Budgets) -> Iterator[str]:
    """For each process (``nproc``: for the jail). The warden kills a jail that passes a budget; these hold meanwhile.

    They are set inside, because the kernel then counts within the jail's user namespace, not all that the user runs.
    """
    # Private writable memory, not address space: V8 and Go reserve tens of GB that they never touch.
    yield f"--data={budgets.memory}"
    yield f"--fsize={budgets.file}"
    yield f"--nproc={int(budgets.processes * WALL)}"
    yield f"--cpu={budgets.cpu + CPU_SPARE}"
    yield from ("--nofile=1024", "--msgqueue=0", "--sigpending=4096")


WALL: Final = 1.5
"""Times the budget of processes, where forks fail: room in which the warden sees that the budget is passed."""
CPU_SPARE: Final = 2
"""Seconds beyond the budget after which the kernel ends a process itself, giving no reason."""
