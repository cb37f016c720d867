"""The folder of the workspaces: nothing is left in it, and where it cannot be used a run ends and says so."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from lab.inngest import InngestExecutor
from lab.llm import says
from lab.model_server import ModelServer
from lab.sse import assert_whole, run_to_end
from tests.conftest import StartService
from tools.processes import wait_until


def test_a_folder_that_cannot_be_made_ends_the_run_with_its_path(
    start_service: StartService, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """A direct run was tried for ever: the OSError was taken for a Redis that is away."""
    (tmp_path / "file").touch()
    service = start_service(AGENT_SANDBOX_DIR=str(tmp_path / "file" / "sandboxes"))
    events = run_to_end(service, value="a timer", projectId=unique("project"))
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "failed")
    assert f"{tmp_path}/file/sandboxes cannot be used" in events[-1]["data"]


def test_neither_ended_runs_nor_killed_processes_leave_a_workspace(
    start_service: StartService, model_server: ModelServer, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    dir = tmp_path / "sandboxes"
    prompt = model_server.script(
        unique("tidy"), says("", calls=(("terminal", json.dumps({"command": "mkdir -p a/b; chmod 0 a"})),)), says("Ok.")
    )
    service = start_service(workers=1, AGENT_SANDBOX_DIR=str(dir), **model_server.environment())
    events = run_to_end(service, value=prompt, projectId=unique("project"))
    assert events[-1]["type"] == "complete"
    wait_until(lambda: os.listdir(dir) == [], 10, "the workspace to be removed")

    left = dir / "run_of_a_killed_process"
    (left / "workspace" / "a").mkdir(parents=True)
    (left / "owner").write_text(json.dumps({"pid": 1, "started": "x", "boot": "another"}))
    os.utime(left / "owner", (0, 0))
    service.kill()
    service.restart()
    wait_until(lambda: os.listdir(dir) == [], 10, "the janitor to remove it")


def test_a_run_under_inngest_ends_there_too(
    executor: InngestExecutor, start_service: StartService, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    (tmp_path / "file").touch()
    env = {"AGENT_ENGINE": "inngest", "AGENT_SANDBOX_DIR": str(tmp_path / "file" / "sandboxes")}
    service = start_service(workers=1, **(env | executor.environment()))
    executor.wait_for_function("runwire-code-agent-run")
    events = run_to_end(service, value="a timer", projectId=unique("project"))
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "failed")
    assert f"{tmp_path}/file/sandboxes cannot be used" in events[-1]["data"]
