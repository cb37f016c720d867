"""`POST /agent/run/<runId>/approvals/<approvalId>`: who may answer, what, and how often."""

from collections.abc import Callable
from typing import Any

import pytest

from lab.approvals import ID, answer, wait_until_asked
from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import events_of, legacy_events, start_run
from tests.http.conftest import contents

ASKS = says("I look.", calls=(("terminal", '{"command": "echo ask-me"}'),))
DONE = says("Nothing to do: it is there.")


@pytest.fixture
def waiting_run(scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]) -> str:
    prompt = model_server.script(unique("asks"), ASKS, DONE)
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    wait_until_asked(scripted_service, run_id)
    return run_id


def test_the_first_answer_counts_and_a_second_is_told_it(scripted_service: Service, waiting_run: str) -> None:
    first = answer(scripted_service, waiting_run, allow=False, reason="no")
    assert (first.status_code, first.json()) == (202, {"runId": waiting_run, "approvalId": ID, "allow": False})
    second = answer(scripted_service, waiting_run, allow=True)
    if "ended" not in second.text:  # else the run was faster
        assert (second.status_code, second.json()["details"]) == (409, {"allow": False, "reason": "no"})
    events = events_of(scripted_service, waiting_run)
    answers = [event["data"] for event in events if event["type"] == "approval-answer"]
    assert answers == [{"approvalId": ID, "allow": False, "reason": "no"}]


def test_a_second_answer_to_a_run_that_waits_again_is_refused(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("twice"), ASKS, ASKS, DONE)
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    wait_until_asked(scripted_service, run_id)
    assert answer(scripted_service, run_id, allow=True).status_code == 202
    # Until it waits again; then nothing goes on by itself.
    page: dict[str, Any] = {"events": [], "next": 0}
    while "approval-2-1" not in str(page["events"]):
        page = scripted_service.http.get(f"/agent/run/{run_id}/poll?after={page['next']}&wait=10").json()
    before = contents(scripted_service)
    second = answer(scripted_service, run_id, allow=False, reason="too late")
    assert (second.status_code, second.json()["error"]) == (409, "This was answered before")
    assert second.json()["details"] == {"allow": True, "reason": ""}
    unknown = answer(scripted_service, run_id, "approval-9-9", allow=True)
    assert (unknown.status_code, unknown.json()) == (404, {"error": "The run has not asked for that"})
    assert _of(contents(scripted_service), run_id) == _of(before, run_id)
    assert answer(scripted_service, run_id, "approval-2-1", allow=True).status_code == 202
    assert events_of(scripted_service, run_id)[-1]["type"] == "complete"


def _of(all_keys: dict[str, object], run_id: str) -> dict[str, object]:
    return {name: value for name, value in all_keys.items() if run_id in name}


def test_an_ended_run_answers_with_its_end(strict_service: Service, finished_run: tuple[str, int]) -> None:
    run_id, last = finished_run
    before = contents(strict_service)
    refused = answer(strict_service, run_id, allow=True)
    details = refused.json()["details"]
    assert (refused.status_code, refused.json()["error"]) == (409, "The run has ended")
    assert (details["status"], details["lastEventId"]) == ("complete", last)
    assert contents(strict_service) == before


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param({}, 400, "The body is not as expected", id="nothing"),
        pytest.param({"allow": "yes"}, 400, "The body is not as expected", id="a word"),
        pytest.param({"allow": 1}, 400, "The body is not as expected", id="a number"),
        pytest.param({"allow": True, "reason": 7}, 400, "Wrong types", id="a reason that is a number"),
        pytest.param({"allow": True, "reason": "x" * 51}, 400, "reason is too long", id="too long"),
        pytest.param({"allow": True, "reason": "x" * 3000}, 413, "The body is too large", id="too large"),
    ],
)
@pytest.mark.usefixtures("changes_nothing")
def test_what_is_no_answer_is_refused(
    body: dict[str, Any], status: int, error: str, strict_service: Service, finished_run: tuple[str, int]
) -> None:
    refused = answer(strict_service, finished_run[0], **body)
    assert (refused.status_code, refused.json()["error"]) == (status, error)


@pytest.mark.usefixtures("changes_nothing")
def test_an_unknown_run_has_asked_for_nothing(strict_service: Service) -> None:
    assert answer(strict_service, "run_nobody", allow=True).status_code == 404


def test_an_ag_ui_client_is_interrupted_and_resumes(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("agui"), ASKS, DONE)
    thread = {"threadId": unique("t"), "messages": [{"id": "u1", "role": "user", "content": prompt}]}
    first = _agui(scripted_service, {**thread, "runId": unique("r")})
    assert first[-1]["type"] == "RUN_FINISHED"
    (interrupt,) = first[-1]["outcome"]["interrupts"]
    resume = [{"interruptId": interrupt["id"], "status": "resolved", "payload": {"approved": True}}]
    again = {**thread, "runId": unique("r"), "resume": resume}
    for events in [_agui(scripted_service, again), _agui(scripted_service, again)]:  # a client that was cut off
        assert (events[0]["type"], events[0]["runId"]) == ("RUN_STARTED", again["runId"])
        assert (events[-1]["type"], events[-1]["outcome"]) == ("RUN_FINISHED", {"type": "success"})
    snapshot = next(event for event in events if event["type"] == "MESSAGES_SNAPSHOT")
    results = [message["content"] for message in snapshot["messages"] if message["role"] == "tool"]
    assert any("ask-me" in result for result in results)


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"interruptId": "run_nobody.approval-1-1", "status": "resolved", "payload": {"approved": True}}, 404),
        ({"interruptId": "a1", "status": "cancelled"}, 404),
        ({"interruptId": "../x", "status": "cancelled"}, 404),
        ({"interruptId": "run_1.approval-1-1", "status": "resolved", "payload": {"approved": "yes"}}, 400),
        ({"interruptId": "run_1.approval-1-1", "status": "resolved"}, 400),
    ],
    ids=["unknown run", "no such id", "a path", "a word", "nothing"],
)
@pytest.mark.usefixtures("changes_nothing")
def test_what_resumes_nothing_is_refused(strict_service: Service, entry: dict[str, Any], status: int) -> None:
    body = {"threadId": "t", "runId": "r2", "messages": [], "resume": [entry]}
    refused = strict_service.http.post("/agui", json=body)
    assert (refused.status_code, refused.json()["type"]) == (status, "RUN_ERROR")


def _agui(service: Service, body: dict[str, Any]) -> list[dict[str, Any]]:
    with service.http.stream("POST", "/agui", json=body) as response:
        assert response.status_code == 200, response.read()
        return list(legacy_events(response))
