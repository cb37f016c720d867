"""A step whose answer gets lost is asked for again, and answered from memory: it does not run twice."""

from collections.abc import Callable

import pytest

from lab.inngest import InngestExecutor
from lab.inngest.faults import after_step
from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.inngest_runs.looking import run_at

APPENDS = ("terminal", '{"command": "echo once >> count.txt"}')


@pytest.mark.parametrize("step", ["claim", "prepare", "model-1", "tool-1-1", "check-1", "finish", "complete"])
def test_a_finished_step_never_runs_again(
    step: str,
    executor_service: Service,
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """Seen failing (for model and tool) without the look at the stored results in begin.lua."""
    prompt = model_server.script(unique("lost"), says("I count.", calls=(APPENDS,)), says("Done."))
    shared_executor.faults.drop_answer(
        lambda call: after_step(step)(call) and call.event["data"].get("value") == prompt
    )
    run_id = start_run(executor_service, value=prompt, projectId=unique("project"))
    events = events_of(executor_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert events[-1]["data"]["files"] == {"count.txt": "once\n"}
    assert {event["attempt"] for event in events} == {0}
    assert model_server.calls(prompt) == 2

    run = run_at(shared_executor, run_id)
    assert run.status == "Completed"
    calls = [call for call in shared_executor.calls_of(run.id) if step in call.steps_run]
    assert [(call.attempt, call.fault) for call in calls] == [(0, "answer dropped"), (1, None)]


def test_a_call_that_is_made_twice_at_once_publishes_once(
    executor_service: Service,
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """A proxy that gives up early makes Inngest call again while the first call still works: the later one counts.

    Seen failing without the fence.
    """
    prompt = model_server.script(unique("twice"), says("I count.", calls=(SLOW,)), says("Done."))
    shared_executor.faults.duplicate(
        lambda call: call.known[-1:] == ("model-1",) and call.event["data"].get("value") == prompt, after=0.2
    )
    run_id = start_run(executor_service, value=prompt, projectId=unique("project"))
    events = events_of(executor_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    (rollback,) = [event for event in events if event["type"] == "rollback"]
    assert rollback["data"]["step"] == "tool-1-1"
    shown = [event for event in events[rollback["id"] :] if event["type"] == "tool-output"]
    assert "".join(event["data"]["chunk"] for event in shown) == "begin\nend\n"
    assert all(event["attempt"] == 1 for event in events[rollback["id"] :] if event["step"] == "tool-1-1")


SLOW = ("terminal", '{"command": "echo begin; sleep 0.8; echo end"}')
