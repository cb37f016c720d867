"""Folders of counts go with their processes, however these end (seen: one stayed after each `kill -9`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.counts_folder import PREFIX, remove_abandoned
from tools.processes import kill_group, wait_until

ROOT = Path(__file__).resolve().parents[2]
MASTER = """
import os, signal
from orchestrator.counts_folder import make_counts_folder
folder = make_counts_folder()
worker = os.fork()
if worker:
    print(folder, worker, flush=True)
signal.pause()
"""
Master = tuple["subprocess.Popen[bytes]", Path, int]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Master]]:
    """Starts a master with one worker: its process, its folder, its worker's pid."""
    with ExitStack() as stack:

        def master() -> Master:
            env = {**os.environ, "TMPDIR": str(tmp_path)}
            command = [sys.executable, "-c", MASTER]
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, start_new_session=True)
            stack.enter_context(process)
            stack.callback(kill_group, process)
            assert process.stdout is not None
            folder, worker = process.stdout.readline().decode().split()
            return process, Path(folder), int(worker)

        yield master


def test_what_a_killed_master_has_left_goes_at_the_next_start_when_its_workers_are_gone(
    start: Callable[[], Master], tmp_path: Path
) -> None:
    lives, killed = start(), start()
    killed[0].kill()
    killed[0].wait()
    remove_abandoned(tmp_path)
    assert killed[1].is_dir()  # its worker still counts there
    os.kill(killed[2], signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{killed[2]}").exists() or _is_a_zombie(killed[2]), 10, "the worker to be gone")
    following = start()
    assert not killed[1].exists()
    assert lives[1].is_dir() and following[1].is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {lives[1].name, following[1].name}


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    (tmp_path / f"{PREFIX}file").touch()
    (tmp_path / "runwire-metrics-other").mkdir()
    remove_abandoned(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def _is_a_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
