"""Who may look at a run's steps, go on from it and remove it: its caller, and tokens that say so."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from lab.service import Service
from tests.conftest import next_database
from tests.http.callers import CI, KEYS, WEB, bearer, start, token
from tools.redis_server import RedisServer

UNKNOWN = (404, {"error": "Unknown or expired run"})
CALLS = (("GET", "/steps"), ("POST", "/retry"), ("POST", "/fork"), ("DELETE", ""))


@pytest.fixture(scope="module")
def guarded(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_OFFLINE_DELAY": "0"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=1, env=env) as running:
        yield running


def call(service: Service, run_id: str, what: tuple[str, str], credential: str) -> httpx.Response:
    method, path = what
    body = {"step": "prepare"} if path == "/fork" else None
    return service.http.request(method, f"/agent/run/{run_id}{path}", json=body, headers=bearer(credential))


@pytest.fixture
def cancelled(guarded: Service, unique: Callable[[str], str]) -> tuple[str, str]:
    """A run of `web` that has ended, and its project."""
    project = unique("p")
    run_id = start(guarded, WEB, projectId=project)
    guarded.http.post(f"/agent/run/{run_id}/cancel", headers=bearer(WEB))
    return run_id, project


def test_to_other_callers_the_run_is_not_there(guarded: Service, cancelled: tuple[str, str]) -> None:
    run_id, project = cancelled
    elsewhere = token(guarded, WEB, projectId=f"{project}-other", can=["start", "read", "delete"])
    for what in CALLS:
        for credential in (CI, elsewhere):
            answer = call(guarded, run_id, what, credential)
            assert (answer.status_code, answer.json()) == UNKNOWN, what
    runs = guarded.http.get("/agent/runs", params={"projectId": project}, headers=bearer(WEB)).json()["runs"]
    assert [run["runId"] for run in runs] == [run_id]


def test_a_token_does_what_it_says(guarded: Service, cancelled: tuple[str, str]) -> None:
    run_id, project = cancelled
    reads = token(guarded, WEB, projectId=project, can=["read"])
    deletes = token(guarded, WEB, runId=run_id, can=["delete"])
    starts = token(guarded, WEB, projectId=project, can=["read", "start"])
    of_the_run = token(guarded, WEB, runId=run_id, can=["read"])
    for credential in (reads, of_the_run):
        assert [call(guarded, run_id, what, credential).status_code for what in CALLS] == [200, 403, 403, 403]
    assert [call(guarded, run_id, what, deletes).status_code for what in CALLS[:3]] == [403] * 3
    retried = call(guarded, run_id, CALLS[1], starts)
    assert retried.status_code == 202
    assert retried.headers["x-run-id"] == retried.json()["runId"]
    guarded.http.post(f"/agent/run/{retried.json()['runId']}/cancel", headers=bearer(WEB))
    assert call(guarded, run_id, CALLS[3], starts).status_code == 403
    assert call(guarded, run_id, CALLS[3], deletes).status_code == 204
    assert (call(guarded, run_id, CALLS[3], deletes).status_code) == 404
