"""After a command, however it ended, nothing of it runs."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from agent.sandbox import Budgets
from agent.sandbox.bubblewrap import BubblewrapSandbox
from tests.agent.test_sandbox import processes_with, wait_until


@pytest.fixture
def marker() -> str:
    return f"6{time.time_ns()}"


def test_the_jail_ends_when_its_warden_is_killed(bubblewrap: BubblewrapSandbox, marker: str) -> None:
    with bubblewrap.start(["sh", "-c", f"setsid sleep {marker} & sleep {marker}"]) as jailed:
        wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 2)
        os.kill(jailed.process.pid, signal.SIGKILL)
        wait_until(lambda: not processes_with(marker))
        jailed.process.wait(5)
        assert jailed.failure() == "its warden was killed"


def test_the_jail_ends_when_the_service_is_gone(bubblewrap: BubblewrapSandbox, marker: str) -> None:
    """All that the warden has from the service is the socket, whose other end closes with it."""
    with bubblewrap.start(["sh", "-c", f"setsid sleep {marker} & sleep {marker}"]) as jailed:
        wait_until(lambda: len(processes_with(f"sleep\0{marker}")) == 2)
        jailed._control.close()
        wait_until(lambda: not processes_with(marker))


def test_nobody_is_killed_by_the_number_of_a_warden_that_has_ended(
    bubblewrap: BubblewrapSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By then it may be another run's, which a command that starts many processes can bring about."""
    killed: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: killed.append(group))
    with bubblewrap.start(["true"]) as jailed:
        jailed.process.wait(10)
    assert killed == []


def test_any_command_line_runs_with_bytes_in_and_bytes_out(bubblewrap: BubblewrapSandbox) -> None:
    with bubblewrap.start(["tr", "a-c", "A-C"], stdin=subprocess.PIPE) as jailed:
        out, _ = jailed.process.communicate(b"\xffabc\0", timeout=10)
    assert (out, jailed.process.returncode, jailed.killed()) == (b"\xffABC\0", 0, None)


def test_no_keyring_of_the_command_is_the_services(bubblewrap: BubblewrapSandbox, tmp_path: Path) -> None:
    """The warden joins a new session keyring before it becomes bubblewrap, so there is nothing to inherit."""
    keyrings = Path("/proc/keys")
    if not keyrings.exists():
        pytest.skip("this kernel has no keys")
    before = keyrings.read_text()
    with bubblewrap.start(["sleep", "0.3"]) as jailed:
        jailed.process.wait(10)
    wait_until(lambda: keyrings.read_text().count("\n") <= before.count("\n"))


def test_the_watcher_costs_short_commands_nothing(bubblewrap: BubblewrapSandbox) -> None:
    assert bubblewrap.budgets == Budgets()
    with bubblewrap.start(["true"]) as jailed:
        jailed.process.wait(10)
    assert jailed.killed() is None
