"""A step that takes long is answered in time for a router, and its result arrives all the same.

The only slow scenario: the service waits 4 s before it turns an answer into a streaming one.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from lab.inngest import InngestExecutor
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.inngest_runs.looking import run_at, text_of
from tools.processes import wait_until

ROUTER_SECONDS = 6.0  # between two bytes; real routers allow 30 s


@pytest.fixture
def behind_a_router(shared_executor: InngestExecutor) -> Iterator[InngestExecutor]:
    """A router that cuts calls that are silent for too long."""
    shared_executor.faults.cut_after(ROUTER_SECONDS)
    yield shared_executor
    shared_executor.faults.clear()


def test_a_router_does_not_cut_a_long_step(
    behind_a_router: InngestExecutor,
    executor_service: Service,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """The model thinks for longer than the router allows (seen failing without the long reply)."""
    gate = Gate()
    run_id = start_run(executor_service, value=model_server.script(unique("long"), gate))
    gate.wait_until_asked()
    (run,) = behind_a_router.runs_for("runwire-code-agent-run", runId=run_id)
    (call,) = [call for call in behind_a_router.calls_of(run.id) if "model-1" not in call.known][-1:]
    wait_until(lambda: _elapsed(call.started) > ROUTER_SECONDS + 1, 30, "the step to be a long one")
    gate.finish("Thought through.")
    events = events_of(executor_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert text_of(events) == "Thought through."
    assert "rollback" not in {event["type"] for event in events}

    run = run_at(behind_a_router, run_id)
    streamed = [call for call in behind_a_router.calls_of(run.id) if call.streamed]
    assert [call.steps_run for call in streamed] == [("model-1",)]
    assert {call.fault for call in behind_a_router.calls_of(run.id)} == {None}
    assert model_server.calls(str(run.event["data"]["value"])) <= 2


# Not against the executor: the scenario above shows more, and both are slow.
@pytest.mark.parametrize("inngest_server", [pytest.param("real", marks=pytest.mark.inngest)], indirect=True)
def test_inngest_takes_the_answer_of_a_long_step(
    inngest_service: Service,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    gate = Gate()
    run_id = start_run(inngest_service, value=model_server.script(unique("long"), gate))
    gate.wait_until_asked()
    asked = time.monotonic()
    wait_until(lambda: _elapsed(asked) > ROUTER_SECONDS, 30, "the step to be a long one")
    gate.finish("Thought through.")
    events = events_of(inngest_service, run_id)
    assert_whole(events)
    assert (events[-1]["type"], text_of(events)) == ("complete", "Thought through.")


def _elapsed(since: float) -> float:
    return time.monotonic() - since
