"""A run that is cancelled, here or at Inngest, ends for its viewers and stops working."""

from collections.abc import Callable

import pytest

from lab.approvals import wait_until_asked
from lab.inngest import InngestExecutor, InngestServer
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, follow, sse_events, start_run
from tests.inngest_runs.looking import FUNCTION, status_at
from tests.reliability.scripts import DONE, runs
from tools.processes import wait_until


@pytest.mark.parametrize("by", ["our-api", "inngest"])
def test_a_cancelled_run_ends_for_its_viewers_and_at_inngest(
    by: str,
    inngest_service: Service,
    inngest_server: InngestServer,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """With `inngest`: seen failing without the function on `inngest/function.cancelled`."""
    gate = Gate()
    run_id = unique("run")
    data = {
        "runId": run_id,
        "projectId": "tests",
        "value": model_server.script(unique("cancel"), gate),
        "model": "auto",
    }
    event_id = inngest_server.send("code-agent/run.requested", data, event_id=run_id)
    gate.wait_until_asked()
    gate.say("half a ")
    at_inngest = inngest_server.runs_of(event_id)[0]["run_id"]
    with follow(inngest_service, run_id) as response:
        events = sse_events(response)
        seen = [next(events)]
        if by == "our-api":
            assert inngest_service.http.post(f"/agent/run/{run_id}/cancel").status_code == 202
        else:
            inngest_server.cancel(at_inngest)
        seen += events
    assert_whole(seen)
    assert (seen[-1]["type"], seen[-1]["code"]) == ("error", "cancelled")
    assert seen[-1]["receipt"] == {"stepsDone": ["prepare"], "stepInterrupted": "model-1", "filesWritten": []}
    assert gate.was_hung_up.wait(20), "the model is still being listened to"

    wait_until(lambda: status_at(inngest_server, at_inngest) == "Cancelled", 20, "Inngest to stop the function")
    assert events_of(inngest_service, run_id) == seen
    assert inngest_service.http.get(f"/agent/run/{run_id}").json()["status"] == "cancelled"


def test_a_cancelled_posted_run_is_cancelled_at_inngest_too(
    executor_service: Service,
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    gate = Gate()
    run_id = start_run(executor_service, value=model_server.script(unique("cancel"), gate))
    gate.wait_until_asked()
    executor_service.http.post(f"/agent/run/{run_id}/cancel")
    (run,) = shared_executor.runs_for(FUNCTION, runId=run_id)
    wait_until(lambda: run.status == "Cancelled", 20, "Inngest to stop the function")
    assert events_of(executor_service, run_id)[-1]["code"] == "cancelled"


def test_an_event_cancels_a_run_that_waits_for_its_user(
    inngest_service: Service, inngest_server: InngestServer, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """It has no execution at Inngest. Without run_cancelled.py it waited on, and could still be allowed."""
    prompt = model_server.script(unique("waits"), runs("echo ask-me > a.txt"), DONE)
    run_id = start_run(inngest_service, projectId=prompt, value=prompt)
    wait_until_asked(inngest_service, run_id)
    inngest_server.send("code-agent/run.cancelled", {"runId": run_id})
    events = events_of(inngest_service, run_id)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "cancelled")


def test_an_event_cancels_a_run_that_waits_for_its_turn(
    inngest_service: Service, inngest_server: InngestServer, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    project = unique("turns")
    first = start_run(inngest_service, projectId=project, value=model_server.script(unique("first"), gate))
    gate.wait_until_asked()
    second = start_run(inngest_service, projectId=project, value=model_server.script(unique("second"), DONE))
    inngest_server.send("code-agent/run.cancelled", {"runId": second})
    assert events_of(inngest_service, second)[-1]["code"] == "cancelled"
    gate.finish("ok")
    assert events_of(inngest_service, first)[-1]["type"] == "complete"


@pytest.mark.parametrize("data", [{}, {"runId": 7}, {"runId": "../../etc"}, {"runId": "run_unknown"}], ids=str)
def test_an_event_that_cancels_nothing_leaves_everything(
    data: dict[str, object],
    inngest_service: Service,
    inngest_server: InngestServer,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    gate = Gate()
    run_id = start_run(inngest_service, value=model_server.script(unique("stays"), gate))
    gate.wait_until_asked()
    inngest_server.wait_for_end(inngest_server.send("code-agent/run.cancelled", data))
    gate.finish("ok")
    assert events_of(inngest_service, run_id)[-1]["type"] == "complete"
