"""Cancelling over HTTP: acknowledged, the same ever after, and it stops the work."""

from collections.abc import Callable

from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, start_run

WRITES = ("createOrUpdateFiles", '{"files": [{"path": "a.txt", "content": "a"}]}')


def test_a_cancelled_run_ends_for_its_viewers_and_stops_its_model(
    scripted_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("cancel"), says("Writing.", calls=(WRITES,)), gate)
    run_id = start_run(scripted_service, value=prompt)
    gate.wait_until_asked()
    gate.say("half a ")

    url = f"/agent/run/{run_id}/cancel"
    answers = [scripted_service.http.post(url) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert gate.was_hung_up.wait(20), "the model is still being listened to"

    events = events_of(scripted_service, run_id)
    assert_whole(events)
    end = events[-1]
    assert (end["type"], end["code"], end["data"]) == ("error", "cancelled", "Cancelled on request")
    assert end["receipt"] == {
        "stepsDone": ["model-1", "prepare", "tool-1-1"],
        "stepInterrupted": "model-2",
        "filesWritten": ["a.txt"],
    }
    shown = scripted_service.http.get(f"/agent/run/{run_id}").json()
    assert shown == answers[0].json()
    assert shown["status"] == "cancelled"
    assert shown["error"] == {"message": "Cancelled on request", "code": "cancelled"}


def test_a_finished_run_is_not_cancelled_any_more(service: Service, finished: list[Event]) -> None:
    run_id = finished[0]["runId"]
    answer = service.http.post(f"/agent/run/{run_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "complete")
    assert events_of(service, run_id) == finished
