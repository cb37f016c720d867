"""What a jail can leave on the host when its command has ended: processes, mounts, segments, keys, cgroups, files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
CLAIMS = Path("/run/runwire")
"""Where the service notes which uid a jail has."""


def processes(run_id: str) -> list[int]:
    """Processes in the jail of ``run_id``, or started for it: its name is in their mounts or their command line."""
    name = run_id.encode()
    own = os.getpid()
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        for file in ("mountinfo", "cmdline"):
            with suppress(OSError):
                if int(pid) != own and name in Path(f"/proc/{pid}/{file}").read_bytes():
                    found.append(int(pid))
                    break
    return found


def user_of(pid: int) -> tuple[int, ...]:
    """The real, effective, saved and file system uid of a process, as the host counts them."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("Uid:"):
            return tuple(map(int, line.split()[1:]))
    raise OSError(f"no Uid in the status of {pid}")


def held_here() -> int:
    """Descriptors and threads of this process."""
    return len(os.listdir("/proc/self/fd")) + threading.active_count()


def left_behind(run_id: str, held: int) -> Iterator[str]:
    """One phrase for each thing that is still there; `held` by this process before."""
    if (more := held_here() - held) > 0:
        yield f"{more} descriptors or threads of the service"
    for pid in processes(run_id):
        with suppress(OSError):
            yield f"process {pid} ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if run_id in line:
            yield f"mount {line.split()[4]}"
    for file in ("shm", "sem", "msg"):
        with suppress(OSError):
            for line in Path(f"/proc/sysvipc/{file}").read_text().splitlines()[1:]:
                if line.split()[0] == str(SYSV_KEY):
                    yield f"a System V {file} of the host"
    with suppress(OSError):
        for line in Path("/proc/keys").read_text().splitlines():
            if f"left-{run_id}" in line:
                yield "a key in the kernel"
    for folder, folders, _ in os.walk(CGROUPS):
        for name in folders:
            if run_id in name:
                yield f"cgroup {folder}/{name}"
    for claim in CLAIMS.rglob("*"):
        with suppress(OSError):
            if claim.is_file() and run_id in claim.read_text():
                yield f"the claim {claim}"


SYSV_KEY = 0x5EC4E7
"""The key under which attempts make System V objects; inside.py's programs know it as HOST["sysv"]."""
