"""Whatever ends a function at Inngest ends the run for its viewers, once."""

from collections.abc import Callable

import pytest

from lab.inngest import InngestExecutor, Run
from lab.llm import fails, says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, start_run
from tests.reliability.conftest import FUNCTION
from tests.reliability.scripts import writes
from tools.processes import wait_until


def test_a_step_that_fails_for_good_ends_the_run(
    rough_inngest_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Without the `fail` in InngestStep._memoised and in on_failure the viewer waited until its time-out."""
    prompt = model_server.script(unique("refused"), fails(404, "no such model"))
    end = _end_of(rough_inngest_service, prompt)
    assert (end["type"], end["code"]) == ("error", "failed")
    assert "no such model" in end["data"]
    assert model_server.calls(prompt) == 1


def test_a_step_that_fails_too_often_ends_the_run(
    rough_inngest_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Only on_failure hears of it. With on_failure=None the viewer waited until its time-out."""
    prompt = model_server.script(unique("down"), fails(503, "come back later", retry_after="0"))
    end = _end_of(rough_inngest_service, prompt)
    assert (end["type"], end["code"]) == ("error", "failed")
    assert "come back later" in end["data"]
    assert model_server.calls(prompt) == 4


def test_a_run_that_inngest_could_not_reach_goes_on(
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """It gives up after four calls. Without the look in on_failure a run failed because processes were killed."""
    prompt = model_server.script(unique("unreachable"), writes("a.txt", "a"), says("done"))
    rough_executor.faults.drop_answer(lambda call: call.event["data"].get("value") == prompt, times=4)
    assert _end_of(rough_inngest_service, prompt)["type"] == "complete"
    assert model_server.calls(prompt) == 2


@pytest.mark.parametrize("status", [404, 502, 503])
def test_a_run_whose_calls_a_router_refused_goes_on(
    status: int,
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """As while its processes are being replaced. Inngest names that otherwise than a call without an answer."""
    prompt = model_server.script(unique("refused"), writes("a.txt", "a"), says("done"))
    rough_executor.faults.refuse(lambda call: call.event["data"].get("value") == prompt, status, times=4)
    assert _end_of(rough_inngest_service, prompt)["type"] == "complete"
    assert model_server.calls(prompt) == 2


def test_a_run_that_is_cancelled_in_the_dashboard_ends(
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """on_failure is not called for it. Without function_cancelled.py the sweep ended the run, but only 30 s later."""
    gate = Gate()
    prompt = model_server.script(unique("dashboard"), writes("a.txt", "a"), gate)
    run_id = start_run(rough_inngest_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    rough_executor.cancel(_at_inngest(rough_executor, prompt).id)

    events = events_of(rough_inngest_service, run_id)
    assert_whole(events)
    assert events[-1]["code"] == "cancelled"
    assert events[-1]["receipt"]["stepInterrupted"] == "model-2"
    assert events[-1]["receipt"]["filesWritten"] == ["a.txt"]
    assert gate.was_hung_up.wait(20), "the model is still being listened to"


def test_a_run_whose_function_inngest_did_not_know_is_sent_again(
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """It took the event for nothing. Without the watch the viewer waited until its time-out."""
    prompt = model_server.script(unique("ignored"), says("asked at last"))
    rough_executor.functions.pop(FUNCTION)
    assert _end_of(rough_inngest_service, prompt)["type"] == "complete"


def _end_of(service: Service, prompt: str) -> Event:
    events = events_of(service, start_run(service, projectId=prompt, value=prompt))
    assert_whole(events)
    return events[-1]


def _at_inngest(executor: InngestExecutor, prompt: str) -> Run:
    return wait_until(lambda: executor.runs_for(FUNCTION, value=prompt), 10, "the run at Inngest")[0]
