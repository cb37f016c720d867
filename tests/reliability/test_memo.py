"""A finished step whose answer was lost on its way to Inngest is answered from the memo."""

from collections.abc import Callable

from lab.inngest import Call, InngestExecutor
from lab.inngest.model import COMPLETED
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.reliability.conftest import FUNCTION
from tests.reliability.scripts import DONE, Marks, runs, writes
from tools.processes import wait_until

STEPS = ("prepare", "model-1", "tool-1-1", "model-2", "tool-2-1", "model-3", "check-1", "finish", "complete")


def test_no_step_runs_again_when_its_answer_is_lost(
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
    marks: Marks,
) -> None:
    """Every answer of the run is thrown away once, so Inngest asks for each step twice.

    Without the memo in begin.lua ("if result then return done") each model was asked twice and the command left two
    marks; without the memo that commit.lua writes, the same.
    """
    prompt = model_server.script(unique("memo"), runs(marks.note("ran")), writes("a.txt", "a"), DONE)
    for step in STEPS:
        rough_executor.faults.drop_answer(_answer_of(prompt, step))

    events = events_of(rough_inngest_service, start_run(rough_inngest_service, projectId=prompt, value=prompt))

    assert_whole(events)
    assert events[-1]["type"] == "complete"
    ran = wait_until(lambda: rough_executor.runs_for(FUNCTION, value=prompt), 10, "the run at Inngest")[0]
    wait_until(lambda: ran.status == COMPLETED, 10, "Inngest to learn the end")
    dropped = [call for call in rough_executor.calls_of(ran.id) if call.fault == "answer dropped"]
    assert [call.steps_run for call in dropped] == [(step,) for step in STEPS]
    assert model_server.calls(prompt) == 3
    assert marks.lines("ran") == ["x"]
    assert "rollback" not in {event["type"] for event in events}


def _answer_of(prompt: str, step: str) -> Callable[[Call], bool]:
    return lambda call: _is_of(prompt, call) and step in call.steps_run


def _is_of(prompt: str, call: Call) -> bool:
    return bool(call.event["data"].get("value") == prompt)
