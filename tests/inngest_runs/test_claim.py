"""A run is executed once, whoever else is told to execute it."""

from collections.abc import Callable

from lab.inngest import InngestExecutor, InngestServer
from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.conftest import StartService
from tests.inngest_runs.looking import run_at
from tools.processes import wait_until


def requested(run_id: str, prompt: str) -> dict[str, str]:
    return {"runId": run_id, "projectId": "tests", "value": prompt, "model": "auto"}


def test_a_second_event_for_a_run_is_skipped(
    inngest_service: Service, inngest_server: InngestServer, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """An event without the run's id as its own is no duplicate to Inngest (seen failing without the claim)."""
    gate = Gate()
    prompt = model_server.script(unique("claim"), gate)
    run_id = start_run(inngest_service, value=prompt)
    gate.wait_until_asked()
    second = inngest_server.send("code-agent/run.requested", requested(run_id, prompt))
    (skipped,) = inngest_server.wait_for_end(second)
    assert skipped["status"] == "Completed"
    gate.finish("Done.")
    events = events_of(inngest_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert "rollback" not in {event["type"] for event in events}

    third = inngest_server.send("code-agent/run.requested", requested(run_id, prompt))
    inngest_server.wait_for_end(third)  # however it ends there, here it changes nothing
    assert events_of(inngest_service, run_id) == events
    assert model_server.calls(prompt) == 2  # once, and once for the repair of "no files"


def test_the_same_event_twice_is_one_run(
    inngest_service: Service, inngest_server: InngestServer, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    run_id = unique("run")
    data = requested(run_id, model_server.script(unique("claim"), says("Done.")))
    for _ in range(2):
        inngest_server.send("code-agent/run.requested", data, event_id=run_id)
    url = f"/agent/run/{run_id}"
    wait_until(lambda: inngest_service.http.get(url).status_code == 200, 20, "the run to be known here")
    events = events_of(inngest_service, run_id)
    assert_whole(events)
    assert {event["attempt"] for event in events} == {0}
    assert model_server.calls(data["value"]) == 2  # once, and once for the repair of "no files"


def test_inngest_skips_a_run_that_the_service_runs_itself(
    start_service: StartService,
    executor_service: Service,
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """As after a doubtful send: the event had arrived, but its answer had not."""
    same_redis = executor_service.env["REDIS_URL"]
    direct = start_service(workers=1, redis_url=same_redis, AGENT_ENGINE="direct", **model_server.environment())
    gate = Gate()
    prompt = model_server.script(unique("claim"), gate)
    run_id = start_run(direct, value=prompt)
    gate.wait_until_asked()
    shared_executor.send("code-agent/run.requested", requested(run_id, prompt), event_id=run_id)
    run = run_at(shared_executor, run_id)
    assert (run.status, run.output["runId"]) == ("Completed", run_id)
    assert "skipped" in run.output
    gate.finish("Done.")
    events = events_of(direct, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert {event["attempt"] for event in events} == {0}
    assert direct.http.get(f"/agent/run/{run_id}").json()["engine"] == "direct"
