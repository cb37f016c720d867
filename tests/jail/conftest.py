from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from agent.sandbox import Budgets, identity
from agent.sandbox.bubblewrap import BubblewrapSandbox
from tests.jail.jailed import Ending, run_as_ordinary_user, run_here


class Run(Protocol):
    def __call__(self, command: str, budgets: Budgets = ..., *commands: str) -> Ending: ...


@pytest.fixture(params=["root", "ordinary"] if os.geteuid() == 0 else ["ordinary"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs commands in one jail after the other, as a service of this user would; tells how the last one ended."""
    return run_here if request.param == "root" else run_as_ordinary_user


@pytest.fixture
def bubblewrap(tmp_path: Path) -> Iterator[BubblewrapSandbox]:
    root = tmp_path / "workspace"
    root.mkdir(mode=0o700)
    yield BubblewrapSandbox(root, Budgets())
    identity.release(root)
