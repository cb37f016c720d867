"""As many unfinished runs as allowed, and not one more."""

from collections.abc import Callable

import httpx
import redis

from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.sse import assert_whole, events_of, start_run
from orchestrator.runlog.keys import project_bytes
from tests.conftest import StartService
from tests.http.conftest import contents
from tests.reliability.scripts import DONE
from tools.processes import wait_until


def test_a_run_too_many_is_refused_until_one_has_ended(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    service = start_service(workers=1, AGENT_MAX_ACTIVE_RUNS="1", **model_server.environment())
    first = start_run(service, value=model_server.script(unique("held"), gate))
    gate.wait_until_asked()

    before = contents(service)
    refused = service.http.post("/agent/run", json={"projectId": "p1", "value": "one more"})
    assert refused.status_code == 429
    assert refused.json() == {"error": "1 runs are unfinished; try again later"}
    assert int(refused.headers["retry-after"]) > 0
    assert contents(service).keys() == before.keys()

    gate.finish("Done.")
    assert events_of(service, first)[-1]["type"] == "complete"
    assert events_of(service, start_run(service, model="offline"))[-1]["type"] == "complete"


def test_one_callers_runs_leave_room_for_others(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    keys = {name: f"{name}-0123456789abcdefghijklmnop" for name in ("web", "ci")}
    listed = ",".join(f"{name}:{key}" for name, key in keys.items())
    service = start_service(workers=1, AGENT_API_KEYS=listed, AGENT_MAX_CALLER_RUNS="2", **model_server.environment())

    def post(name: str, value: str, model: str = "auto") -> httpx.Response:
        headers = {"X-API-Key": keys[name], "Accept": "application/json"}
        body = {"projectId": unique(name), "value": value, "model": model}
        return service.http.post("/agent/run", json=body, headers=headers)

    def has_ended(run: str) -> bool:
        return bool(service.http.get(run, headers={"X-API-Key": keys["web"]}).json()["endedAt"])

    gates = [Gate(), Gate()]
    urls = [post("web", model_server.script(unique("held"), gate)).json()["urls"]["run"] for gate in gates]
    refused = post("web", "one more", "offline")
    assert refused.status_code == 429
    assert refused.json() == {"error": "2 of your runs are unfinished; try again later"}
    assert int(refused.headers["retry-after"]) > 0
    assert post("ci", "another's", "offline").status_code == 202

    gates[0].wait_until_asked()
    gates[0].finish("Done.")
    wait_until(lambda: has_ended(urls[0]), 20, "the first run to end")
    wait_until(lambda: post("web", "one more", "offline").status_code == 202, 10, "room for one more")
    gates[1].wait_until_asked()
    gates[1].finish("Done.")


def test_a_projects_line_has_an_end(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate, project = Gate(), unique("project")
    service = start_service(workers=1, AGENT_MAX_PROJECT_RUNS="2", **model_server.environment())
    first = start_run(service, projectId=project, value=model_server.script(unique("held"), gate))
    second = start_run(service, projectId=project, model="offline")
    refused = service.http.post("/agent/run", json={"projectId": project, "value": "a third"})
    assert refused.status_code == 429
    assert refused.json() == {"error": "2 runs of this project are unfinished; try again later"}
    assert start_run(service, model="offline")
    gate.wait_until_asked()
    gate.finish("Done.")
    assert [events_of(service, run_id)[-1]["type"] for run_id in (first, second)] == ["complete"] * 2


def test_a_run_that_stores_too_much_ends_with_a_sentence(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """One reply with 10 tool calls had added 172 MB to Redis (FINDINGS B7)."""
    project = unique("project")
    service = start_service(
        workers=1, AGENT_MAX_RUN_BYTES="200000", AGENT_MAX_PROJECT_BYTES="150000", **model_server.environment()
    )
    prompt = model_server.script(unique("flood"), says(*("x" * 10_000 for _ in range(30))), DONE)
    events = events_of(service, start_run(service, projectId=project, value=prompt))
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "failed")
    assert "AGENT_MAX_RUN_BYTES" in events[-1]["data"]

    with redis.Redis.from_url(service.env["REDIS_URL"]) as client:
        wait_until(
            lambda: client.get(project_bytes(project)), 10, "what it has stored to be counted, right after its end"
        )
    refused = service.http.post("/agent/run", json={"projectId": project, "value": "more"})
    assert refused.status_code == 429
    assert refused.json() == {
        "error": "This project and its runs have stored as much as they may for now; try again later"
    }
    assert start_run(service, model="offline"), "another project has room"


def test_a_run_whose_process_died_before_it_was_taken_out_does_not_count(
    start_service: StartService, redis_client: redis.Redis
) -> None:
    service = start_service(workers=1, AGENT_MAX_CALLER_RUNS="1")
    redis_client.zadd("agent:caller:local:runs", {"run_that_nobody_took_out": 1})
    assert start_run(service, model="offline")
    assert not redis_client.zscore("agent:caller:local:runs", "run_that_nobody_took_out")
