"""Background processes in real runs: used over several calls, and gone with the run, its process, or a cancel."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.inngest import InngestExecutor
from lab.llm import Answer, says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, follow, run_to_end, sse_events, start_run
from tests.conftest import next_database
from tests.escape import traces
from tests.reliability.test_takeover import kill_its_worker
from tools.processes import wait_until
from tools.redis_server import RedisServer

SERVE = "exec python3 -m http.server 8000 --bind 127.0.0.1"
FETCH = (
    "python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/page.txt').read().decode())\""
    " 2>&1 | tail -1"
)


def calls(tool: str, **args: Any) -> Answer:
    return says("Next.", calls=((tool, json.dumps(args)),))


def serves() -> Answer:
    return says(
        "I serve it.",
        calls=(
            ("createOrUpdateFiles", json.dumps({"files": [{"path": "page.txt", "content": "a page"}]})),
            ("terminal", json.dumps({"command": SERVE, "background": True})),
        ),
    )


@pytest.fixture(scope="module")
def env(model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("sandboxes")
    return {"AGENT_SANDBOX": "bubblewrap", "AGENT_SANDBOX_DIR": str(folder)} | model_server.environment()


@pytest.fixture(scope="module")
def direct(
    env: dict[str, str], redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    env = env | {"AGENT_ENGINE": "direct"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("direct"), workers=2, env=env) as running:
        yield running


@pytest.fixture(scope="module")
def inngest(
    env: dict[str, str], redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Two workers, whichever of them gets a step."""
    with InngestExecutor(retry_delay=0.05, minimum_retry_after=0.05) as executor:
        env = env | {"AGENT_ENGINE": "inngest"} | executor.environment()
        with Service(next_database(redis_server), tmp_path_factory.mktemp("inngest"), workers=2, env=env) as running:
            executor.wait_for_function("runwire-code-agent-run")
            yield running


@pytest.fixture(params=["direct", "inngest"])
def service(request: pytest.FixtureRequest) -> Service:
    service: Service = request.getfixturevalue(request.param)
    return service


def outputs(events: list[Event]) -> list[str]:
    return [event["data"]["chunk"] for event in events if event["type"] == "tool-output"]


def results(events: list[Event]) -> list[str]:
    return [event["data"]["note"] for event in events if event["type"] == "tool-result"]


def test_a_server_is_used_by_later_calls_and_stopped(
    service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """What is not stopped ends with the run."""
    prompt = model_server.script(
        unique("serve"),
        serves(),
        calls("process", handle="bg-1-2", action="wait", seconds=1),
        calls("terminal", command=FETCH),
        calls("process", handle="bg-1-2", action="stop"),
        calls("terminal", command="sleep 600", background=True),
        says("Done."),
    )
    events = run_to_end(service, value=prompt, projectId=prompt)
    assert_whole(events)
    assert events[-1]["data"]["outcome"] == "done"
    assert "a page\n" in outputs(events)
    assert results(events)[2:] == ["bg-1-2 still runs", "exit code 0", "bg-1-2 has ended: stopped", "bg-5-1 runs"]
    run_id = events[-1]["runId"]
    wait_until(lambda: not traces.processes(run_id), 20, "the run's processes to end")


def test_a_run_whose_process_was_killed_is_told_that_its_server_is_lost(
    direct: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("lost"), serves(), gate, calls("process", handle="bg-1-2"), says("Done."))
    run_id = start_run(direct, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    assert traces.processes(run_id)
    kill_its_worker(direct, run_id)
    wait_until(lambda: not traces.processes(run_id), 20, "the run's processes to end with the worker")
    events = events_of(direct, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert results(events)[2:] == ["bg-1-2 is lost"]


def test_a_cancel_kills_it(service: Service, model_server: ModelServer, unique: Callable[[str], str]) -> None:
    prompt = model_server.script(unique("cancel"), serves(), Gate())
    run_id = start_run(service, projectId=prompt, value=prompt)
    with follow(service, run_id) as response:
        next(event for event in sse_events(response) if event["type"] == "tool-result" and "bg-1-2" in str(event))
    assert traces.processes(run_id)
    assert service.http.post(f"/agent/run/{run_id}/cancel").status_code == 202
    wait_until(lambda: not traces.processes(run_id), 20, "the run's processes to be killed")
