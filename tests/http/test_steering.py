"""`POST /agent/run/<runId>/messages`: what the user says to a run that goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, start_run
from tests.http.conftest import contents

WRITES = ("createOrUpdateFiles", '{"files": [{"path": "a.txt", "content": "a"}]}')
SAYS = "The user says meanwhile: "


def tell(service: Service, run_id: str, value: Any, **headers: str) -> Any:
    return service.http.post(f"/agent/run/{run_id}/messages", json={"value": value}, headers=headers)


def told(request: dict[str, Any]) -> str:
    """All that the model reads."""
    return "\n".join(message["content"] for message in request["messages"])


def test_a_message_is_an_event_at_once_and_read_by_the_next_call_once(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("steer"), says("One.", calls=(WRITES,)), gate, says("Three."))
    run_id = start_run(scripted_service, value=prompt)
    gate.wait_until_asked()
    answers = [tell(scripted_service, run_id, "in blue", **{"Idempotency-Key": "k1"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert answers[0].json() == answers[1].json() == answers[2].json()
    other = tell(scripted_service, run_id, "in red", **{"Idempotency-Key": "k1"})
    assert other.status_code == 422
    polled = scripted_service.http.get(f"/agent/run/{run_id}/poll").json()["events"]
    assert polled[-1]["data"] == {"value": "in blue", "messageId": answers[0].json()["messageId"]}
    gate.finish("Done.")  # and yet it goes on: there is something that it has not heard

    events = events_of(scripted_service, run_id)
    assert_whole(events)
    assert events[-1]["data"]["summary"] == "Three."
    assert sum(event["type"] == "user-message" for event in events) == 1
    asked = model_server.asked[prompt]
    assert [told(request).count(f"{SAYS}in blue") for request in asked] == [0, 0, 1]


def test_an_ended_run_answers_with_its_end(strict_service: Service, finished_run: tuple[str, int]) -> None:
    run_id, last = finished_run
    before = contents(strict_service)
    answer = tell(strict_service, run_id, "too late")
    assert answer.status_code == 409
    details = answer.json()["details"]
    assert (answer.json()["error"], details["status"]) == ("The run has ended", "complete")
    assert (details["lastEventId"], details["error"]) == (last, None)
    assert contents(strict_service) == before


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param({}, 400, "The body is not as expected", id="nothing"),
        pytest.param({"value": "  "}, 400, "Missing required field: value", id="blank"),
        pytest.param({"value": 7}, 400, "Wrong types", id="a number"),
        pytest.param({"value": "x" * 51}, 400, "value is too long", id="too long"),
        pytest.param({"value": "x" * 3000}, 413, "The body is too large", id="too large"),
        pytest.param([], 400, "The body must be a JSON object, not list", id="a list"),
    ],
)
@pytest.mark.usefixtures("changes_nothing")
def test_what_is_no_message_is_refused(
    body: Any, status: int, error: str, strict_service: Service, finished_run: tuple[str, int]
) -> None:
    answer = strict_service.http.post(f"/agent/run/{finished_run[0]}/messages", json=body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.usefixtures("changes_nothing")
def test_nobody_can_be_told_in_an_unknown_run(strict_service: Service) -> None:
    assert tell(strict_service, "run_nobody", "hello").status_code == 404


def test_secrets_in_a_message_are_masked(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str], finished: list[Event]
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("secret"), gate, says("Nothing to do: it is said."))
    run_id = start_run(scripted_service, value=prompt)
    gate.wait_until_asked()
    address = scripted_service.env["REDIS_URL"]
    tell(scripted_service, run_id, f"use {address}")
    gate.finish("Nothing to do: I wait.")
    events = events_of(scripted_service, run_id)
    assert events[-1]["type"] == "complete"
    assert sum(event["type"] == "user-message" for event in events) == 1
