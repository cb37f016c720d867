"""A zip of 100 MB is made file by file: its process needs hardly more memory than without it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agent.entries import Entry
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect

MOST_MORE = 20 * 1024
"""KiB."""
ROOT = Path(__file__).parents[2]
PROGRAM = r"""
import re, sys
from pathlib import Path
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from orchestrator.zips import zip_of

view = RunLog(connect(sys.argv[1], 2)).files_of_project(sys.argv[2])

def peak():  # not ru_maxrss, which begins with what the parent process had
    return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])

before = peak()
for piece in zip_of(view):
    pass
print(sum(mark.size for mark in view.files.values()), peak() - before)
"""


def test_a_zip_of_100_mb_takes_less_than_20_mib_more_memory(redis_url: str, unique: Callable[[str], str]) -> None:
    project, client = unique("project"), connect(redis_url, 2)
    projects = RunLog(client).projects
    files = {f"{n:02}.bin": Entry((b"%d" % n + os.urandom(1_000)) * 5_000) for n in range(20)}
    try:
        assert projects.replace(project, files, created=1)
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, redis_url, project], cwd=ROOT, capture_output=True, text=True, check=True
        )
    finally:
        projects.delete(project)
        client.close()
        client.connection_pool.disconnect()
    size, more = map(int, done.stdout.split())
    assert size > 100_000_000 and more < MOST_MORE
    print(f"{more / 1024:.1f} MiB more")
