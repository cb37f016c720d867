"""Two attempts never work in one workspace at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.errors import Cancelled
from agent.exclusive import exclusive

HOLDER = """
import sys, time
from pathlib import Path
from agent.exclusive import exclusive
with exclusive(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "run_1"
    root.mkdir()
    return root


def test_a_second_attempt_waits_as_long_as_it_is_wanted(root: Path) -> None:
    looks: list[int] = []

    def check() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise Cancelled("not wanted any more")

    with exclusive(root, lambda: None), pytest.raises(Cancelled), exclusive(root, check):
        pytest.fail("two attempts hold one workspace")


def test_the_workspace_is_free_when_its_holder_was_killed(root: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(root)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with exclusive(root, lambda: None):
        pass
