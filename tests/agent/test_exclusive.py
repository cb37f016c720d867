"""Two attempts never work in one workspace at a time."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import Cancelled
from agent.sandbox.exclusive import Taken, exclusive

HOLDER = """
import sys, time
from pathlib import Path
from agent.sandbox.exclusive import exclusive
with exclusive(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_a_second_attempt_waits_as_long_as_it_is_wanted(lock: Path) -> None:
    looks: list[int] = []

    def check() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise Cancelled("not wanted any more")

    with exclusive(lock, lambda: None), pytest.raises(Cancelled), exclusive(lock, check):
        pytest.fail("two attempts hold one workspace")


def test_the_workspace_is_free_when_its_holder_was_killed(lock: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with exclusive(lock, lambda: None):
        pass


def test_a_lock_that_was_removed_while_it_was_taken_is_no_lock(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever removes a workspace removes its lock too: two could have held one workspace, each with its own file."""
    take = fcntl.flock

    def removed_meanwhile(fd: int, how: int) -> None:
        monkeypatch.undo()
        lock.unlink()
        take(fd, how)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with exclusive(lock, lambda: None), pytest.raises(Taken), exclusive(lock, lambda: None, patience=0):
        pytest.fail("two hold one lock")
