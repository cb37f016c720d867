"""`DELETE /agent/run/<runId>`: nothing of an ended run is left, and nothing brings it back."""

from collections.abc import Callable

import pytest

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import events_of, start_run
from orchestrator.events import RunRequested
from orchestrator.runlog import RunLog, RunMissing
from orchestrator.runlog.connection import connect
from tests.http.conftest import contents

UNKNOWN = (404, {"error": "Unknown or expired run"})
JSON = {"Accept": "application/json"}


def finish(service: Service, project: str, key: str | None = None) -> str:
    body = {"projectId": project, "value": "a tip calculator", "model": "offline"}
    headers = JSON | ({"Idempotency-Key": key} if key else {})
    run_id = str(service.http.post("/agent/run", json=body, headers=headers).json()["runId"])
    events_of(service, run_id)
    return run_id


def test_an_ended_run_is_removed_wholly(service: Service, unique: Callable[[str], str]) -> None:
    project, key = unique("removed"), unique("key")
    run_id = finish(service, project, key)
    answer = service.http.delete(f"/agent/run/{run_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    run = f"/agent/run/{run_id}"
    for path in (run, f"{run}/events", f"{run}/poll", f"{run}/steps"):
        answer = service.http.get(path)
        assert (answer.status_code, answer.json()) == UNKNOWN
    for again in (service.http.delete(run), service.http.post(f"{run}/cancel")):
        assert (again.status_code, again.json()) == UNKNOWN
    assert service.http.get("/agent/runs", params={"projectId": project}).json() == {"runs": [], "next": None}
    named = {name for name in contents(service) if run_id in name and ":idempotency:" not in name}
    assert named == {f"agent:{{{run_id}}}:run"}  # what says that there was one

    body = {"projectId": project, "value": "a tip calculator", "model": "offline"}
    answer = service.http.post("/agent/run", json=body, headers=JSON | {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()) == UNKNOWN, "a page that comes back must not pay for another run"
    assert service.http.get("/agent/runs", params={"projectId": project}).json()["runs"] == []


def test_a_run_that_goes_on_is_not_removed(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("going"), gate)
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    answer = scripted_service.http.delete(f"/agent/run/{run_id}")
    assert answer.status_code == 409
    assert answer.json() == {
        "error": "The run is still going (running): cancel it first, or wait for its end",
        "details": {"status": "running"},
    }
    gate.finish("Nothing to do: it is said.")
    assert events_of(scripted_service, run_id)[-1]["type"] == "complete"


def test_what_an_engine_says_late_brings_no_removed_run_back(redis_url: str, unique: Callable[[str], str]) -> None:
    """Inngest may begin a run long after it was cancelled; the function stores what it does not find."""
    log = RunLog(connect(redis_url, 2))
    request = RunRequested(run_id=unique("run"), project_id="p", value="v")
    log.create(request, "inngest", "Accepted")
    log.fail(request.run_id, "Cancelled on request", "cancelled")
    log.remove(request.run_id)
    assert not log.create(request, "inngest", "Accepted from Inngest")
    for call in (
        lambda: log.claim(request.run_id, "inngest:late"),
        lambda: log.begin(request.run_id, "prepare", 0, "n"),
        lambda: log.fail(request.run_id, "x", "failed"),
        lambda: log.read(request.run_id, 0, 10),
        lambda: log.remove(request.run_id),
    ):
        with pytest.raises(RunMissing):
            call()
    assert log.stored([request.run_id]) == set()
