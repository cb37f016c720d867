"""Runs and projects belong to the caller's name; to everybody else they are not there (FINDINGS B2)."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from lab.service import Service, has
from tests.conftest import next_database
from tests.http.callers import CI, JSON, KEYS, PROMPT, WEB, ask, bearer, calls_on, start
from tools.redis_server import RedisServer

UNKNOWN = (404, {"error": "Unknown or expired run"})


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_OFFLINE_DELAY": "0.1", "LOG_FORMAT": "json"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=2, env=env) as running:
        yield running


@pytest.mark.parametrize("number", range(4), ids=["show", "events", "poll", "cancel"])
@pytest.mark.parametrize("prefix", ["", "/api"])
def test_another_callers_run_looks_like_one_that_is_not_there(
    shared: Service, prefix: str, number: int, unique: Callable[[str], str]
) -> None:
    run_id = start(shared, WEB, projectId=unique("p"))
    for name in (run_id, "run_that_never_was"):
        method, path = calls_on(name)[number]
        answer = ask(shared, (method, prefix + path), bearer(CI))
        assert (answer.status_code, answer.json()) == UNKNOWN
        assert "x-run-id" not in answer.headers
    mine = shared.http.get(f"/agent/run/{run_id}", headers=bearer(WEB)).json()
    assert mine["status"] in ("queued", "running", "complete")


def test_another_callers_project_is_unknown_and_stays_as_it_is(shared: Service, unique: Callable[[str], str]) -> None:
    project = unique("project")
    run_id = start(shared, WEB, projectId=project)
    for headers in (bearer(CI), bearer(CI) | JSON):
        answer = shared.http.post("/agent/run", json=PROMPT | {"projectId": project}, headers=headers)
        assert (answer.status_code, answer.json()) == (404, {"error": "Unknown project"})
        assert "x-run-id" not in answer.headers
    with redis.Redis.from_url(shared.env["REDIS_URL"], decode_responses=True) as client:
        theirs = [key for key in client.keys("agent:{*}:run") if client.hget(key, "projectId") == project]
        assert theirs == [f"agent:{{{run_id}}}:run"]
        assert client.get(f"agent:project:{project}:owner") == "web"
        assert client.ttl(f"agent:project:{project}:owner") > 29 * 86_400
    start(shared, WEB, projectId=project)


def test_of_two_first_callers_one_gets_the_project(shared: Service, unique: Callable[[str], str]) -> None:
    """With a look before the SET instead of its NX, both did."""

    def post(key: str, project: str) -> int:
        body = PROMPT | {"projectId": project}
        return shared.http.post("/agent/run", json=body, headers=bearer(key) | JSON).status_code

    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            project = unique("race")
            answers = list(pool.map(lambda key, project=project: (key, post(key, project)), (WEB, CI) * 4))
            winners = {key for key, status in answers if status == 202}
            assert len(winners) == 1 and {status for key, status in answers if key not in winners} == {404}


def test_each_start_cancel_and_refusal_is_a_line_with_the_callers_name(
    shared: Service, unique: Callable[[str], str]
) -> None:
    run_id = start(shared, WEB, projectId=unique("logged"))
    ask(shared, ("GET", f"/agent/run/{run_id}/poll"), bearer(CI))
    ask(shared, ("POST", f"/agent/run/{run_id}/cancel"), bearer(WEB))
    ask(shared, ("GET", "/agent/models"), bearer("not-a-key"))
    ask(shared, ("GET", "/agent/models"))
    ask(shared, ("GET", "/agent/run/a%0Arun.accepted%20run_id=forged"))
    lines = shared.log_lines()
    assert has(lines, event="run.accepted", run_id=run_id, engine="direct", model="offline", caller="web")
    assert has(lines, event="run.cancelled", run_id=run_id, caller="web")
    assert has(lines, event="request.refused", reason="not-their-run", caller="ci", path=f"/agent/run/{run_id}/poll")
    assert has(lines, event="request.refused", reason="unknown-key", caller="-", path="/agent/models")
    assert has(lines, event="request.refused", reason="no-key", caller="-", path="/agent/models")
    assert not has(lines, run_id="forged")
    assert not any(key in shared.log() for key in (WEB, CI, "not-a-key"))
