"""A jail made by bubblewrap (https://github.com/containers/bubblewrap, 0.7 or newer), unprivileged.

Inside there are the system's programs, read-only, the workspace, and small scratch space: no network, no environment,
no other files and no other processes of this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from agent.messages import CommandResult
from agent.sandbox.process import OnOutput, run_process

INSIDE: Final = "/workspace"
SYSTEM_FOLDERS: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SYSTEM_FILES: Final = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d")
PATH: Final = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
SCRATCH: Final = 128 * 1024 * 1024
"""Bytes of /tmp, and of /dev/shm; both are memory of the machine."""

LIMITS: Final = (
    # Private writable memory, not address space: V8 and Go reserve tens of GB that they never touch.
    f"--data={2 * 1024**3}",
    f"--fsize={64 * 1024**2}",
    "--nproc=256",
    "--nofile=1024",
    "--cpu=300",
    "--core=0",
)
"""For each process, in bytes and seconds; ``nproc`` counts the whole jail. Two things to know: without cgroups a jail's
memory in total is not limited, and Linux does not hold root to ``nproc``, so serve as an ordinary user."""

PROBE_TIMEOUT: Final = 10.0
"""Seconds; a jail starts in about 10 ms."""


class BubblewrapSandbox:
    def __init__(self, id: str, root: Path) -> None:
        self.id = id
        self.root = root

    def run(self, command: str, *, timeout: float, on_output: OnOutput, check: Callable[[], None]) -> CommandResult:
        # The environment is empty for bwrap itself too: --clearenv cleans only the command's, while bwrap stays in
        # the jail as process 1, where anybody can read /proc/1/environ.
        argv = jail(self.root, command)
        return run_process(argv, cwd=self.root, env={}, timeout=timeout, on_output=on_output, check=check)


def probe() -> str | None:
    """Run a trifle in a jail; ``None`` if that works, else the reason."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (on Debian: apt-get install bubblewrap)"
    with tempfile.TemporaryDirectory() as folder:
        argv = jail(Path(folder), "echo ready")
        try:
            done = subprocess.run(argv, env={}, capture_output=True, text=True, timeout=PROBE_TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"bubblewrap could not be run ({error})"
    if done.stdout == "ready\n":
        return None
    return f"bubblewrap does not work here ({done.stderr.strip()[:300] or f'exit code {done.returncode}'})"


def jail(root: Path, command: str) -> list[str]:
    """The command line that runs ``command`` in a shell in a jail around ``root``."""
    return [
        shutil.which("bwrap") or "bwrap",
        *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
        *_system(),
        *("--proc", "/proc", "--dev", "/dev", "--size", str(SCRATCH), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),
        *("--size", str(SCRATCH), "--tmpfs", "/tmp"),
        *("--bind", str(root), INSIDE, "--chdir", INSIDE),
        *("--remount-ro", "/"),
        *_environment(),
        *("--", "prlimit", *LIMITS, "--", "sh", "-c", command),
    ]


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for folder in SYSTEM_FOLDERS:
        if os.path.islink(folder):  # merged /usr
            yield from ("--symlink", os.readlink(folder), folder)
        else:
            yield from ("--ro-bind-try", folder, folder)
    for path in SYSTEM_FILES:
        yield from ("--ro-bind-try", path, path)
    if prefix := _foreign_python():
        yield from ("--ro-bind", prefix, prefix)


def _environment() -> Iterator[str]:
    prefix = _foreign_python()
    path = ":".join([*PATH, f"{prefix}/bin"] if prefix else PATH)
    yield "--clearenv"
    for name, value in {"PATH": path, **plain_environment(INSIDE)}.items():
        yield from ("--setenv", name, value)


def _foreign_python() -> str | None:
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
