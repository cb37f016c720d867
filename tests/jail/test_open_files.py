"""A service with thousands of viewers has as many open files, and what it hands to a warden has numbers above them."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.jail.calls import Calls
from tests.jail.jailed import run_here

VIEWERS = 1_100
"""More than the 1,024 descriptors that ``select`` can wait for."""


@pytest.fixture(autouse=True)
def viewers() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(VIEWERS)]
    yield
    for fd in held:
        os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_commands_run_however_many_files_the_service_has_open() -> None:
    ending = run_here("echo said; exit 3")
    assert (ending.output, ending.result.exit_code) == ("said\n", 3)


def test_a_background_process_goes_on_and_is_stopped(tmp_path: Path) -> None:
    run = Calls(tmp_path / "sandboxes")
    try:
        assert "bg-1-1 runs in the background" in run("terminal", command="sleep 60", background=True)
        assert "has ended: stopped" in run("process", handle="bg-1-1", action="stop")
    finally:
        run.end()
