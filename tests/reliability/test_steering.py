"""A message to a run is heard exactly once, whatever dies around it."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from lab.inngest import Call, InngestExecutor
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.conftest import StartService
from tests.reliability.conftest import FUNCTION
from tests.reliability.scripts import DONE, Marks, runs
from tests.reliability.test_takeover import kill_its_worker
from tools.processes import wait_until

SAYS = "The user says meanwhile: "


def tell(service: Service, run_id: str, value: str) -> None:
    answer = service.http.post(f"/agent/run/{run_id}/messages", json={"value": value})
    assert answer.status_code == 202, answer.text


def counts(asked: list[dict[str, Any]], words: str) -> list[int]:
    return ["\n".join(message["content"] for message in request["messages"]).count(SAYS + words) for request in asked]


def assert_grows(asked: list[dict[str, Any]]) -> None:
    """Each request begins with the one before it: a replay has seen exactly the same."""
    for before, after in pairwise(asked):
        assert after["messages"][: len(before["messages"])] == before["messages"]


def test_both_engines_hear_each_message_once_and_in_order(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    first, second = Gate(), Gate()
    prompt = model_server.script(unique("steer"), runs(f"{marks.note('ran')}; echo a > a.txt"), first, second, DONE)
    run_id = start_run(either_service, projectId=prompt, value=prompt)
    first.wait_until_asked()
    tell(either_service, run_id, "one")
    tell(either_service, run_id, "two")
    first.finish("All done.")
    second.wait_until_asked()
    tell(either_service, run_id, "three")
    second.finish("All done.")
    events = events_of(either_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    asked = model_server.asked[prompt]
    assert [counts(asked, words) for words in ("one", "two", "three")] == [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]]
    assert_grows(asked)
    assert marks.lines("ran") == ["x"]


def test_a_step_that_is_killed_after_it_heard_a_message_hears_it_again(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """And what came meanwhile. With messages taken out when they are read they were lost here."""
    first, killed, third = Gate(), Gate(), Gate()
    prompt = model_server.script(unique("killed"), first, killed, third, DONE)
    service = start_service(workers=2, AGENT_SANDBOX="unsafe-local", **model_server.environment())
    run_id = start_run(service, projectId=prompt, value=prompt)
    first.wait_until_asked()
    tell(service, run_id, "one")
    first.finish("Nothing to do: it is there.")
    killed.wait_until_asked()
    kill_its_worker(service, run_id)
    wait_until(lambda: _can_tell(service, run_id, "two"), 20, "a worker to answer")
    third.wait_until_asked()
    third.finish("Nothing to do: it is there.")
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    asked = model_server.asked[prompt]
    assert [counts(asked, words) for words in ("one", "two")] == [[0, 1, 1], [0, 0, 1]]
    assert events[-1]["data"]["usage"]["abandoned"] > 0


def test_lost_answers_change_nothing_in_what_is_heard(
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """Inngest asks for each step twice. Without the memo of what a call had heard it would be heard twice."""
    first = Gate()
    prompt = model_server.script(unique("lost"), first, runs("true"), DONE)
    steps = ("model-1", "check-1", "finish", "model-2", "tool-2-1", "model-3", "check-2", "finish-2")
    for step in steps:
        rough_executor.faults.drop_answer(_answer_of(prompt, step))
    run_id = start_run(rough_inngest_service, projectId=prompt, value=prompt)
    first.wait_until_asked()
    tell(rough_inngest_service, run_id, "one")
    first.finish("Nothing to do: it is there.")
    events = events_of(rough_inngest_service, run_id)
    assert_whole(events)
    ran = wait_until(lambda: rough_executor.runs_for(FUNCTION, value=prompt), 10, "the run at Inngest")[0]
    dropped = [call.steps_run for call in rough_executor.calls_of(ran.id) if call.fault == "answer dropped"]
    assert dropped[:2] == [("model-1",), ("check-1",)]
    assert counts(model_server.asked[prompt], "one")[:3] == [0, 1, 1]
    assert_grows(model_server.asked[prompt])


def _answer_of(prompt: str, step: str) -> Callable[[Call], bool]:
    return lambda call: bool(call.event["data"].get("value") == prompt) and step in call.steps_run


def _can_tell(service: Service, run_id: str, value: str) -> bool:
    try:
        tell(service, run_id, value)
        return True
    except Exception:
        return False
