"""No engine's death ends a run: it goes on at its first unfinished step, elsewhere or where it was."""

import os
import signal
from collections.abc import Callable

import httpx
import pytest

from lab.inngest import InngestExecutor
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, start_run
from tests.conftest import StartService
from tests.reliability.conftest import FUNCTION, ROUGH
from tests.reliability.scripts import DONE, Marks, runs
from tools.processes import wait_until

SOON = {"AGENT_STALL_SECONDS": "2"} | ROUGH


def statuses(events: list[Event]) -> list[str]:
    return [event["data"] for event in events if event["type"] == "status"]


@pytest.fixture
def served(
    start_service: StartService, executor: InngestExecutor, model_server: ModelServer
) -> Callable[[str], Service]:
    """Starts a service at the executor with this AGENT_ENGINE."""

    def start(engine: str) -> Service:
        env = SOON | {"AGENT_ENGINE": engine} | executor.environment() | model_server.environment()
        service = start_service(workers=2, **env)
        executor.wait_for_function(FUNCTION)
        wait_until(lambda: service.http.get("/readyz").json().get("engine") == "inngest", 20, "Inngest to be chosen")
        return service

    return start


def test_a_run_goes_on_without_an_inngest_that_died(
    served: Callable[[str], Service],
    executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
    marks: Marks,
) -> None:
    """Without the watch the run stood still until its time-out. With the memo off the command left two marks."""
    gate = Gate()
    prompt = model_server.script(unique("died"), runs(marks.note("ran")), gate, DONE)
    service = served("auto")
    run_id = start_run(service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    with executor.outage():
        gate.finish("I go on.")  # the step that runs is finished here, whoever waits for it
        events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert "rollback" not in {event["type"] for event in events}
    moved = f"{executor.title} does not answer any more; the service itself goes on with the run after step model-2"
    assert moved in statuses(events)
    assert marks.lines("ran") == ["x"]
    assert model_server.calls(prompt) == 3
    assert service.http.get(f"/agent/run/{run_id}").json()["engine"] == "direct"


def test_what_the_old_engine_still_asks_for_is_settled_and_does_nothing(
    served: Callable[[str], Service], executor: InngestExecutor, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """A server that was stopped for a while goes on where it stood.

    Without the comparison of executions in begin.lua its call ran the step a second time, beside the direct engine.
    """
    first, second = Gate(), Gate()
    prompt = model_server.script(unique("late"), first, runs("true"), second)
    service = served("auto")
    run_id = start_run(service, projectId=prompt, value=prompt)
    first.wait_until_asked()
    (late,) = executor.runs_for(FUNCTION, value=prompt)
    with executor.outage():
        first.finish("I go on.")
        second.wait_until_asked()  # by the direct engine
    wait_until(lambda: late.status != "Running", 20, "the late run at Inngest to be settled")
    assert (late.status, "skipped" in late.output) == ("Completed", True)
    second.finish("Done.")
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert {event["attempt"] for event in events} == {0}


@pytest.mark.parametrize("forgets", [True, False], ids=["forgot everything", "lost its queue"])
def test_a_run_is_sent_again_to_an_inngest_that_came_back(
    forgets: bool,
    served: Callable[[str], Service],
    executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """AGENT_ENGINE=inngest never runs steps itself. Without `_wait` each look at a dead Inngest counted as a move."""
    gate = Gate()
    prompt = model_server.script(unique("again"), runs("true"), gate, DONE)
    service = served("inngest")
    run_id = start_run(service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    (old,) = executor.runs_for(FUNCTION, value=prompt)
    with executor.outage():
        gate.finish("I go on.")
        executor.forget(old, entirely=forgets)
        wait_until(lambda: "inngest.rest_failed" in service.log(), 20, "the watch to ask for the run")
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert model_server.calls(prompt) == 3
    said = statuses(events)
    assert f"{executor.title} does not answer any more; the run goes on when it does" in said
    assert sum("it goes on with the run after step model-2" in sentence for sentence in said) == 1
    assert service.http.get(f"/agent/run/{run_id}").json()["engine"] == "inngest"


def test_a_killed_workers_step_goes_on_before_inngest_tries_again(
    served: Callable[[str], Service], executor: InngestExecutor, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """A real server tries again after tens of seconds. Without the step's lease its viewers waited for that."""
    executor.retry_delay = 600
    half, whole = Gate(), Gate()
    prompt = model_server.script(unique("killed"), half, whole)
    service = served("auto")
    run_id = start_run(service, projectId=prompt, value=prompt)
    half.wait_until_asked()
    for pid in service.worker_pids():
        os.kill(pid, signal.SIGKILL)
    whole.finish("Done.")
    wait_until(lambda: _answers(service), 20, "the workers to be replaced")
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    moved = "Nothing is heard of step model-1 any more; the service itself goes on with the run at step model-1"
    assert moved in statuses(events)


def test_a_run_that_waits_for_a_place_says_so_and_is_not_moved(
    start_service: StartService, executor: InngestExecutor, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Without `is_busy` it was taken for lost."""
    env = SOON | {"AGENT_ENGINE": "auto", "INNGEST_CONCURRENCY": "1"} | executor.environment()
    service = start_service(workers=1, **(env | model_server.environment()))
    executor.wait_for_function(FUNCTION)
    wait_until(lambda: service.http.get("/readyz").json().get("engine") == "inngest", 20, "Inngest to be chosen")
    gate = Gate()
    busy = model_server.script(unique("busy"), gate)
    first = start_run(service, projectId=busy, value=busy)
    gate.wait_until_asked()
    prompts = [model_server.script(unique("waits"), DONE) for _ in range(3)]
    waiting = [start_run(service, projectId=prompt, value=prompt) for prompt in prompts]

    def places() -> set[str]:
        polls = (service.http.get(f"/agent/run/{run_id}/poll").json()["events"] for run_id in waiting)
        return {status for events in polls for status in statuses(events) if status.startswith("Waiting")}

    wait_until(lambda: len(places()) >= 2, 20, "the waiting runs to say so")
    assert any("2 runs are before this one" in sentence for sentence in places())
    gate.finish("Done.")
    for run_id in [first, *waiting]:
        events = events_of(service, run_id)
        assert_whole(events)
        assert events[-1]["type"] == "complete"
        assert not any("goes on with the run" in sentence for sentence in statuses(events))


def _answers(service: Service) -> bool:
    try:
        return httpx.get(f"{service.url}/healthz", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False
