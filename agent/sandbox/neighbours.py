"""The network of a run's background processes, which its later commands join."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from agent.sandbox import identity, records


def shared_network(dir: Path, handed: ExitStack) -> list[int]:
    """The namespaces of the network in which background processes run, as descriptors; empty where there are none."""
    names = ["net"] if not identity.is_shared() else ["user", "net"]
    for found in records.records(dir):
        try:
            if found.is_alive and has_own_network(found.pid):
                return found.namespaces(names, handed)
        except OSError:
            continue  # it has ended meanwhile
    return []


def has_own_network(pid: int) -> bool:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino
    except OSError:
        return False
