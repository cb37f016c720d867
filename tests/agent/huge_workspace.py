"""A program, not a test: a huge workspace in a process that gevent has patched (see test_hostile_workspace.py).

While it is looked at and removed, a greenlet must never wait for 100 ms. It is measured in this process's CPU time, so
that other programs on the machine do not count.
"""

# ruff: noqa: E402 - patching comes first
from gevent import monkey

monkey.patch_all()

import subprocess
import sys
import time
from pathlib import Path

import gevent

from agent.entries import Entry, Stored
from agent.sandbox import Janitor, open_sandbox
from agent.workspace import keep, restore
from tests.agent.fakes import Events

STALL = 0.1
"""Seconds."""
FILL = """
import os
for n in range(10):  # hard links: what costs is the number of names
    os.makedirs(f'big/{n}')
    open(f'big/{n}/0', 'w')
    for m in range(1, 30_000):
        os.link(f'big/{n}/0', f'big/{n}/{m}')
for n in range(10):
    with open(f'sparse{n}', 'wb') as file:
        file.truncate(1_000_000_000)
"""


def main(folder: Path) -> None:
    sandbox = open_sandbox("bubblewrap", folder / "sandboxes", "run_1")
    stored, events = Stored({"a.txt": Entry(b"a").mark}), Events()
    with sandbox.hold(lambda: None):
        restore(sandbox, stored, lambda paths: {"a.txt": b"a"}, lambda: None)
        sandbox.run("true", timeout=20, on_output=lambda *_: None, check=lambda: None)
        workspace = folder / "sandboxes" / "run_1" / "workspace"
        subprocess.run([sys.executable, "-c", FILL], cwd=workspace, check=True)
        subprocess.run(["chown", "-R", "--reference", workspace, workspace], check=True)  # as if a command had
        beat = gevent.spawn(heart)
        gevent.sleep(0.05)
        kept = keep(sandbox, stored, events)
        gevent.sleep(0.05)
    by_reason = {item.reason: 0 for item in kept.left_out}
    for item in kept.left_out:
        by_reason[item.reason] += item.count
    print(f"looked; longest stall {max(STALLS) * 1000:.0f} ms;", by_reason)
    assert len(kept.changes.entries) == 4_999 and "a.txt" not in kept.changes.entries
    assert by_reason["more than 5000 files"] > 294_000 and by_reason["too large, more than 5000000 bytes"] == 10
    assert len(kept.left_out) <= 60
    assert sum(item.size for item in kept.left_out) == 10_000_000_000

    assert Janitor("bubblewrap", folder / "sandboxes").remove("run_1")
    beat.kill()
    assert not (folder / "sandboxes" / "run_1").exists()
    print(f"removed; longest stall {max(STALLS) * 1000:.0f} ms")
    assert max(STALLS) < STALL, f"the process was held up for {max(STALLS):.3f} s"


STALLS = [0.0]


def heart() -> None:
    while True:
        before = time.process_time()
        gevent.sleep(0.005)
        STALLS.append(time.process_time() - before)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
