from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from agent.messages import RunRequest
from agent.protocols import Sandbox
from agent.sandbox import open_sandbox


@pytest.fixture
def jail(tmp_path: Path) -> Sandbox:
    """A real bubblewrap jail; where none is possible the test fails, because then nothing of this is known."""
    return open_sandbox("bubblewrap", tmp_path / "sandboxes", f"run_{uuid.uuid4().hex}")


@pytest.fixture
def no_jail(tmp_path: Path) -> Sandbox:
    return open_sandbox("none", tmp_path / "sandboxes", "run_refused")


@pytest.fixture
def request_() -> RunRequest:
    return RunRequest(run_id="run_1", project_id="p1", value="a tip calculator", model="auto")
