"""Runs of one project do not work side by side: one that comes meanwhile waits, is refused, or replaces the other."""

from collections.abc import Callable
from typing import Any

import httpx
import redis

from agent.entries import Entry
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from orchestrator.runlog.projects import ProjectFiles
from tests.conftest import StartService
from tests.reliability.scripts import DONE, writes
from tools.processes import wait_until

JSON = {"Accept": "application/json"}


def shown(service: Service, run_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = service.http.get(f"/agent/run/{run_id}").json()
    return answer


def test_a_run_waits_for_those_before_it_and_goes_on_from_their_files(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Side by side, the last one to finish erased the other's file."""
    project, gate = unique("project"), Gate()
    first = start_run(either_service, projectId=project, value=model_server.script(unique("first"), gate))
    gate.wait_until_asked()
    prompts = [model_server.script(unique(name), writes(f"{name}.txt", name), DONE) for name in ("a", "b", "c")]
    waiting = [start_run(either_service, projectId=project, value=prompt) for prompt in prompts]
    assert {shown(either_service, run_id)["status"] for run_id in waiting} == {"queued"}
    assert [model_server.calls(prompt) for prompt in prompts] == [0, 0, 0]
    either_service.http.post(f"/agent/run/{waiting[1]}/cancel")
    gate.finish("Done.")

    ends = [events_of(either_service, run_id)[-1] for run_id in [first, *waiting]]
    assert [end["type"] for end in ends] == ["complete", "complete", "error", "complete"]
    assert ends[1]["data"]["files"] == {"a.txt": "a"}
    assert ends[3]["data"]["files"] == {"a.txt": "a", "c.txt": "c"}
    assert shown(either_service, waiting[2])["startedAt"] >= shown(either_service, waiting[0])["endedAt"]
    with redis.Redis.from_url(either_service.env["REDIS_URL"]) as client:
        assert not client.exists(f"agent:project:{project}:runs")


def test_a_waiting_run_starts_although_everything_was_killed(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    project, gate = unique("project"), Gate()
    service = start_service(workers=1, **model_server.environment())
    first = start_run(service, projectId=project, value=model_server.script(unique("first"), gate))
    gate.wait_until_asked()
    second = start_run(service, projectId=project, value=model_server.script(unique("second"), DONE))
    service.kill()
    gate.finish("Done.")
    service.restart()
    for run_id in (first, second):
        events = events_of(service, run_id)
        assert_whole(events)
        assert events[-1]["type"] == "complete"


def test_reject_answers_409_and_changes_nothing(
    rough_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    project, gate = unique("project"), Gate()
    first = start_run(rough_service, projectId=project, value=model_server.script(unique("first"), gate))
    gate.wait_until_asked()
    body = {"projectId": project, "value": model_server.script(unique("second"), DONE), "onConflict": "reject"}
    refused = rough_service.http.post("/agent/run", json=body, headers=JSON)
    assert refused.status_code == httpx.codes.CONFLICT
    assert refused.json() == {
        "error": "another run of this project is unfinished",
        "details": {"runId": first},
    }
    gate.finish("Done.")
    events_of(rough_service, first)
    accepted = wait_until(lambda: _accepted(rough_service, body), 10, "the project to be free")
    assert events_of(rough_service, accepted)[-1]["type"] == "complete"


def test_cancel_replaces_the_run_before(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    project, gate = unique("project"), Gate()
    first = start_run(either_service, projectId=project, value=model_server.script(unique("first"), gate))
    gate.wait_until_asked()
    prompt = model_server.script(unique("second"), DONE)
    second = start_run(either_service, projectId=project, value=prompt, onConflict="cancel")
    assert events_of(either_service, first)[-1]["code"] == "cancelled"
    assert events_of(either_service, second)[-1]["type"] == "complete"


def test_an_older_run_does_not_save_over_a_newer_ones_files(redis_url: str, unique: Callable[[str], str]) -> None:
    """As a process that was stopped for long would. Seen failing without the comparison in _project.lua."""
    project = unique("project")
    with redis.Redis.from_url(redis_url) as client:
        projects = ProjectFiles(client)

        def files() -> dict[str, bytes]:
            view = projects.view(project, projects.head(project))
            return view.read_all(list(view.files))

        def save(created: int, **contents: str) -> bool:
            tree = {f"{name}.txt": Entry(content.encode()) for name, content in contents.items()}
            return projects.replace(project, tree, created, f"run_{created}")

        assert save(1000, a="first")
        assert save(2000, b="newer")
        assert save(2000, b="again")
        assert not save(1500, a="late")
        assert files() == {"b.txt": b"again"}
        assert save(3000)
        assert files() == {}


def _accepted(service: Service, body: dict[str, Any]) -> str:
    answer = service.http.post("/agent/run", json=body, headers=JSON)
    return str(answer.json()["runId"]) if answer.status_code == httpx.codes.ACCEPTED else ""
