"""A run can be started by an event sent to Inngest, without a POST here."""

from collections.abc import Callable

import redis

from lab.inngest import InngestServer
from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of
from tests.http.conftest import contents
from tools.processes import wait_until


def test_a_run_that_inngest_was_sent_can_be_watched(
    inngest_service: Service, inngest_server: InngestServer, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    run_id, prompt = unique("run"), model_server.script(unique("sent"), says("Done."))
    data = {"runId": run_id, "projectId": "tests", "value": prompt}
    inngest_server.send("code-agent/run.requested", data, event_id=run_id)
    url = f"/agent/run/{run_id}"
    wait_until(lambda: inngest_service.http.get(url).status_code == 200, 20, "the run to be known here")
    events = events_of(inngest_service, run_id)
    assert_whole(events)
    assert events[0]["data"] == "Accepted from Inngest, which runs the steps"
    assert events[-1]["type"] == "complete"


def test_a_run_that_inngest_was_sent_belongs_to_its_projects_owner(
    inngest_service: Service, inngest_server: InngestServer, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Where the project has none, to `local` here, and to `inngest` on a service with keys."""
    prompt, project = model_server.script(unique("owned"), says("Done."), says("Done.")), unique("project")
    runs = [unique("run"), unique("run")]
    with redis.Redis.from_url(inngest_service.env["REDIS_URL"], decode_responses=True) as client:
        client.set(f"agent:project:{project}:owner", "web")
        for run_id, on in zip(runs, (project, unique("project")), strict=True):
            data = {"runId": run_id, "projectId": on, "value": prompt}
            inngest_server.wait_for_end(inngest_server.send("code-agent/run.requested", data, event_id=run_id))
        assert [client.hget(f"agent:{{{run_id}}}:run", "caller") for run_id in runs] == ["web", "local"]
    assert [inngest_service.http.get(f"/agent/run/{run_id}").status_code for run_id in runs] == [404, 200]


def test_a_bad_event_fails_at_once_and_changes_nothing(
    inngest_service: Service, inngest_server: InngestServer, unique: Callable[[str], str]
) -> None:
    """It is held to what a POST is held to."""
    before = contents(inngest_service).keys()
    fine = {"runId": unique("run"), "projectId": "p", "value": "x"}
    wrong = [{"runId": "../up"}, {"oops": "1"}, {"framework": "cobol"}, {"value": " "}, {"value": "x" * 20_001}]
    wrong += [{"projectId": project} for project in ("x.zip", "..", "/p", "p/files/a", " ", "p" * 201)]
    for data in ({}, *({**fine, **each} for each in wrong)):
        event_id = inngest_server.send("code-agent/run.requested", data)
        (run,) = inngest_server.wait_for_end(event_id)
        assert run["status"] == "Failed"
    assert contents(inngest_service).keys() <= before


def test_an_unknown_model_ends_the_run_with_the_known_ones(
    inngest_service: Service, inngest_server: InngestServer, unique: Callable[[str], str]
) -> None:
    run_id = unique("run")
    data = {"runId": run_id, "projectId": "tests", "value": "x", "model": "gpt-9"}
    event_id = inngest_server.send("code-agent/run.requested", data, event_id=run_id)
    inngest_server.wait_for_end(event_id)
    events = events_of(inngest_service, run_id)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "failed")
    assert "Known models: auto, gpt-4.1-mini, offline" in events[-1]["data"]
