"""A cgroup (v2) for one jail, where this process may make one: then the kernel itself counts memory and processes.

See the kernel's Documentation/admin-guide/cgroup-v2.rst. A group that holds processes cannot hand controllers on to
groups below it ("no internal processes"), so a service finds its place beside itself, below its parent, more often.
"""

from __future__ import annotations

import os
from contextlib import suppress

ROOT = "/sys/fs/cgroup"
NEEDED = {"memory", "pids"}
PREFIX = "runwire-jail-"
MOST_SWAP = 0
WALL = 1.5
"""Times the budget of processes, where forks fail: room in which the warden sees that the budget is passed."""


class Cgroup:
    def __init__(self, path: str) -> None:
        self.path = path

    def take(self, pid: int) -> None:
        self._write("cgroup.procs", str(pid))

    def limit(self, memory: int, processes: int) -> None:
        self._write("memory.max", str(memory))
        with suppress(OSError):  # a kernel without swap accounting
            self._write("memory.swap.max", str(MOST_SWAP))
        self._write("memory.oom.group", "1")
        self._write("pids.max", str(int(processes * WALL)))

    def ran_out_of_memory(self) -> bool:
        return self._counts("memory.events").get("oom_kill", 0) > 0

    def remove(self) -> None:
        """All processes must have ended."""
        with suppress(OSError):
            os.rmdir(self.path)

    def _write(self, name: str, value: str) -> None:
        with open(f"{self.path}/{name}", "w") as file:
            file.write(value)

    def _counts(self, name: str) -> dict[str, int]:
        try:
            with open(f"{self.path}/{name}") as file:
                pairs = [line.split() for line in file]
        except OSError:
            return {}
        return {key: int(value) for key, value in pairs}


def make_cgroup(memory: int, processes: int, root: str = ROOT) -> Cgroup | None:
    """A group with these limits (bytes, number); ``None`` where there is no cgroup v2 that this process may use."""
    own = _own_group()
    if own is None:
        return None
    for parent in dict.fromkeys((f"{root}{own}", os.path.dirname(f"{root}{own}"))):
        if not parent.startswith(root) or not _hands_on(parent):
            continue
        _sweep(parent)
        group = Cgroup(f"{parent}/{PREFIX}{os.getpid()}")
        try:
            os.mkdir(group.path)
            group.limit(memory, processes)
        except OSError:
            group.remove()
            continue
        return group
    return None


def _own_group() -> str | None:
    with suppress(OSError), open("/proc/self/cgroup") as file:
        for line in file:
            if line.startswith("0::"):
                return line[3:].rstrip("\n").rstrip("/")
    return None


def _hands_on(parent: str) -> bool:
    """Whether groups below ``parent`` have the controllers that are needed, or get them now."""
    try:
        with open(f"{parent}/cgroup.subtree_control") as file:
            missing = NEEDED - set(file.read().split())
        if missing:
            with open(f"{parent}/cgroup.subtree_control", "w") as file:
                file.write(" ".join(f"+{name}" for name in sorted(missing)))
    except OSError:
        return False
    return True


def _sweep(parent: str) -> None:
    """Remove the groups of wardens that were killed."""
    with suppress(OSError):
        for name in os.listdir(parent):
            owner = name.removeprefix(PREFIX)
            if owner != name and owner.isdecimal() and not os.path.exists(f"/proc/{owner}"):
                with suppress(OSError):
                    os.rmdir(f"{parent}/{name}")
