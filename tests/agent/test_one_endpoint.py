"""`python -m agent` with one endpoint configured and nothing else, against the scripted server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import llm
from lab.llm import PROTOCOLS, ProtocolName, serving
from tests.agent.test_main import start

pytestmark = pytest.mark.program


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_task_is_solved_with_only_one_endpoint_set(tmp_path: Path, protocol: ProtocolName) -> None:
    run = llm.says("I run it", calls=(("terminal", json.dumps({"command": "cat index.html"})),))
    with serving(llm.writes("I write"), run, llm.says("It shows x.")) as server:
        process = start("a page", "--json", "--out", "made", cwd=tmp_path, **server.environment(protocol))
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    end = json.loads(output.splitlines()[-1])
    assert (end["type"], end["data"]["outcome"], end["data"]["summary"]) == ("complete", "done", "It shows x.")
    assert (tmp_path / "made" / "index.html").read_text() == "<title>x</title>"
    assert {request["path"] for request in server.requests} == {
        "/v1/chat/completions" if protocol == "openai" else "/v1/messages"
    }
