"""`GET /agent/runs` and `GET /agent/run/<runId>/steps`: what there is of runs, by caller and project."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from lab.approvals import answer, wait_until_asked
from lab.llm import fails, says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import events_of, run_to_end, start_run
from orchestrator.web.answers import RunsAnswer, StepsAnswer
from tests.conftest import next_database
from tests.http.callers import CI, KEYS, WEB, bearer, start, token
from tools.redis_server import RedisServer

ASKS = ("terminal", '{"command": "echo ask-me > a.txt"}')


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two callers; `web` has five runs in two projects, `ci` one."""
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_OFFLINE_DELAY": "0"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=1, env=env) as running:
        for key, project in ((WEB, "a"), (WEB, "b"), (CI, "c"), (WEB, "a"), (WEB, "b"), (WEB, "a")):
            run_id = start(running, key, projectId=project, value=f"a tip calculator\nfor {project}")
            cancelled = running.http.post(f"/agent/run/{run_id}/cancel", headers=bearer(key))
            assert cancelled.status_code == 202
        yield running


def listed(service: Service, credential: str = WEB, **query: str) -> list[dict[str, Any]]:
    """All pages; each has the described shape."""
    runs: list[dict[str, Any]] = []
    while True:
        response = service.http.get("/agent/runs", params=query, headers=bearer(credential))
        assert response.status_code == 200, response.text
        RunsAnswer.model_validate_json(response.content)
        runs += response.json()["runs"]
        if response.json()["next"] is None:
            return runs
        query["before"] = response.json()["next"]


def test_a_caller_sees_its_own_runs_the_newest_first(shared: Service) -> None:
    runs = listed(shared)
    assert [run["projectId"] for run in runs] == ["a", "b", "a", "b", "a"]
    assert {run["title"] for run in runs} == {"A tip calculator"}
    assert {(run["status"], run["error"]) for run in runs} == {("cancelled", "Cancelled on request")}
    assert [run["projectId"] for run in listed(shared, CI)] == ["c"]


@pytest.mark.parametrize("limit", ["1", "2", "3", "4", "5", "200"])
def test_pages_of_any_size_hold_every_run_once(shared: Service, limit: str) -> None:
    assert listed(shared, limit=limit) == listed(shared)
    assert [run["projectId"] for run in listed(shared, limit=limit, projectId="a")] == ["a"] * 3


def test_runs_are_filtered_by_status(shared: Service) -> None:
    assert listed(shared, status="complete") == listed(shared, status="queued,running") == []
    assert len(listed(shared, status="complete,cancelled", limit="2")) == 5
    twice = shared.http.get("/agent/runs?status=complete&status=cancelled", headers=bearer(WEB))
    assert len(twice.json()["runs"]) == 5


def test_the_project_of_another_caller_has_no_runs(shared: Service) -> None:
    assert listed(shared, projectId="c") == listed(shared, projectId="nobody's") == []


def test_a_token_lists_the_project_that_it_names(shared: Service) -> None:
    reads = token(shared, WEB, projectId="a", can=["read"])
    assert [run["projectId"] for run in listed(shared, reads)] == ["a"] * 3
    others = shared.http.get("/agent/runs?projectId=b", headers=bearer(reads))
    assert (others.status_code, others.json()) == (404, {"error": "Unknown project"})
    starts = token(shared, WEB, projectId="a", can=["start"])
    of_a_run = token(shared, WEB, runId=listed(shared)[0]["runId"], can=["read"])
    for credential in (starts, of_a_run):
        assert shared.http.get("/agent/runs", headers=bearer(credential)).status_code == 403


def test_runs_of_one_millisecond_are_listed_once_and_expired_ones_leave_the_list(shared: Service) -> None:
    """Seen failing with cursors that name a time only."""
    with redis.Redis.from_url(shared.env["REDIS_URL"], decode_responses=True) as client:
        name = "agent:project:a:listed"
        client.zadd(name, dict.fromkeys(client.zrange(name, 0, -1), 1_764_000_000_000))
        client.zadd(name, {"run_gone": 1_764_000_000_000})
        for limit in ("1", "2"):
            found = [run["runId"] for run in listed(shared, projectId="a", limit=limit)]
            assert len(found) == len(set(found)) == 3
        assert client.zscore(name, "run_gone") is None


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("status=done", "Unknown status 'done'"),
        ("before=yesterday", "before must be the `next` of a page or milliseconds, got 'yesterday'"),
        ("limit=0", "limit must be a number from 1 to 200, got '0'"),
        ("limit=201", "limit must be a number from 1 to 200, got '201'"),
        ("limit=-1", "limit must be a number from 1 to 200, got '-1'"),
        ("projectId=%0A", "projectId must be printable and have at most 200 characters"),
    ],
)
def test_a_list_that_cannot_be_is_refused(shared: Service, query: str, error: str) -> None:
    response = shared.http.get(f"/agent/runs?{query}", headers=bearer(WEB))
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_a_finished_run_tells_its_outcome_and_what_it_used(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("listed"), says("Nothing to do: it is said."))
    events = run_to_end(scripted_service, projectId=prompt, value=prompt)
    (run,) = scripted_service.http.get("/agent/runs", params={"projectId": prompt}).json()["runs"]
    assert (run["runId"], run["status"], run["outcome"]) == (events[0]["runId"], "complete", "nothing-to-do")
    assert run["usage"] == events[-1]["data"]["usage"]
    assert (run["lastEventId"], run["error"], run["origin"]) == (events[-1]["id"], None, None)


def steps_of(service: Service, run_id: str) -> dict[str, Any]:
    response = service.http.get(f"/agent/run/{run_id}/steps")
    assert response.status_code == 200, response.text
    StepsAnswer.model_validate_json(response.content)
    return {step["name"]: step for step in response.json()["steps"]}


def test_steps_tell_their_attempts_waits_times_sizes_and_tokens(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(
        unique("steps"), says("Hel", calls=(ASKS,)), fails(503, retry_after="0"), says("Done.")
    )
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    wait_until_asked(scripted_service, run_id)
    asked = steps_of(scripted_service, run_id)
    assert list(asked) == ["prepare", "model-1", "approval-1-1"]
    assert (asked["approval-1-1"]["state"], asked["approval-1-1"]["endedAt"]) == ("waiting", None)

    assert answer(scripted_service, run_id, allow=True).status_code == 202
    events_of(scripted_service, run_id)
    steps = steps_of(scripted_service, run_id)
    assert list(steps) == ["prepare", "model-1", "approval-1-1", "tool-1-1", "model-2", "check-1", "finish"]
    assert {step["state"] for step in steps.values()} == {"done"}
    assert [attempt["end"] for attempt in steps["approval-1-1"]["attempts"]] == ["waiting", "done"]
    assert [attempt["end"] for attempt in steps["model-2"]["attempts"]] == ["failed", "done"]
    first, last = steps["model-2"]["attempts"][0]["rolledBack"], steps["model-2"]["attempts"][1]["rolledBack"]
    assert first[0] < first[1] and last is None
    assert steps["model-1"]["usage"]["inputTokens"] == 7 and steps["tool-1-1"]["usage"] is None
    times = [(step["beganAt"], step["endedAt"]) for step in steps.values()]
    assert all(began <= ended for began, ended in times)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(times))
    assert all(step["resultBytes"] > 0 and not step["takenOver"] for step in steps.values())


def test_a_step_that_its_run_ended_in_is_stopped(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("stops"), fails(401))
    run_id = run_to_end(scripted_service, projectId=prompt, value=prompt)[-1]["runId"]
    step = steps_of(scripted_service, run_id)["model-1"]
    assert (step["state"], step["resultBytes"]) == ("stopped", None)
    assert [attempt["end"] for attempt in step["attempts"]] == ["failed"]
    assert step["endedAt"] == scripted_service.http.get(f"/agent/run/{run_id}").json()["endedAt"]


def test_an_unknown_run_has_no_steps(service: Service) -> None:
    response = service.http.get("/agent/run/run_nobody/steps")
    assert (response.status_code, response.json()) == (404, {"error": "Unknown or expired run"})
