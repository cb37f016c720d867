"""`POST /agent/run/<runId>/retry` and `/fork`: a new run that takes over what another had finished."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import redis

from lab.approvals import answer, wait_until_asked
from lab.llm import Answer, fails, says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, run_to_end, start_run
from orchestrator.web.answers import BranchAnswer

DONE = says("Done.")
BLANK = "value must not be blank: leave it out where there is nothing to add"


def writes(**files: str) -> Answer:
    listed = [{"path": name.replace("_", "."), "content": content} for name, content in files.items()]
    return says("I write.", calls=(("createOrUpdateFiles", json.dumps({"files": listed})),))


def runs(command: str) -> Answer:
    return says("I run.", calls=(("terminal", json.dumps({"command": command})),))


def branch(service: Service, run_id: str, how: str, **body: Any) -> httpx.Response:
    key = body.pop("key", None)
    headers = {"Idempotency-Key": key} if key else {}
    return service.http.post(f"/agent/run/{run_id}/{how}", json=body or None, headers=headers)


def branched(service: Service, run_id: str, how: str, **body: Any) -> tuple[dict[str, Any], list[Event]]:
    """The answer and the new run's events up to its end."""
    response = branch(service, run_id, how, **body)
    assert response.status_code == 202, response.text
    BranchAnswer.model_validate_json(response.content)
    events = events_of(service, response.json()["runId"])
    assert_whole(events)
    return response.json(), events


def told(request: dict[str, Any]) -> str:
    return "\n".join(message["content"] or "" for message in request["messages"])


def files_of(events: list[Event]) -> dict[str, str]:
    assert events[-1]["type"] == "complete", events[-1]
    files: dict[str, str] = events[-1]["data"]["files"]
    return files


@pytest.fixture
def script(model_server: ModelServer, unique: Callable[[str], str]) -> Callable[..., str]:
    return lambda *answers: model_server.script(unique("branch"), *answers)


def test_a_retry_goes_on_at_the_failed_step_and_pays_for_nothing_twice(
    scripted_service: Service, model_server: ModelServer, script: Callable[..., str]
) -> None:
    prompt = script(writes(a_txt="a"), fails(401), DONE)
    failed = run_to_end(scripted_service, projectId=prompt, value=prompt)
    assert failed[-1]["type"] == "error"
    source = failed[0]["runId"]
    before = scripted_service.http.get(f"/agent/run/{source}").json()

    made, events = branched(scripted_service, source, "retry")
    origin = {name: made["origin"][name] for name in ("kind", "runId", "step", "steps")}
    assert origin == {"kind": "retry", "runId": source, "step": "model-2", "steps": 3}
    assert model_server.calls(prompt) == 3
    assert files_of(events) == {"a.txt": "a"}
    assert events[0]["data"] == f"Goes on from {source} at step model-2; its 3 finished steps are taken over"
    kinds = [event["type"] for event in events]
    assert kinds.count("tool-call") == kinds.count("file-created") == 1
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    assert {event["runId"] for event in events} == {made["runId"]}
    usage = events[-1]["data"]["usage"]
    assert (usage["inputTokens"], made["origin"]["usage"]["inputTokens"]) == (14, 7)
    assert scripted_service.http.get(f"/agent/run/{source}").json() == before, "nothing can follow a run's end"

    steps = scripted_service.http.get(f"/agent/run/{made['runId']}/steps").json()["steps"]
    assert [step["name"] for step in steps if step["takenOver"]] == ["prepare", "model-1", "tool-1-1"]
    assert [step["name"] for step in steps if not step["takenOver"]] == ["model-2", "check-1", "finish"]
    (listed, _) = scripted_service.http.get("/agent/runs", params={"projectId": prompt}).json()["runs"]
    assert listed["origin"] == made["origin"]


def test_a_fork_from_the_middle_has_the_files_of_that_time(
    scripted_service: Service, model_server: ModelServer, script: Callable[..., str]
) -> None:
    """Seen failing with the latest files: the fork found what its source did later."""
    prompt = script(
        writes(a_txt="1", b_txt="b"), runs("echo 2 > a.txt; rm b.txt; ln -s a.txt l"), writes(a_txt="3"), DONE,
        runs("cat a.txt b.txt; echo c > c.txt"), DONE,
    )  # fmt: skip
    source = run_to_end(scripted_service, projectId=prompt, value=prompt)
    assert files_of(source) == {"a.txt": "3"}

    _, events = branched(scripted_service, source[0]["runId"], "fork", step="model-2", value="in blue")
    assert files_of(events) == {"a.txt": "1", "b.txt": "b", "c.txt": "c\n"}
    output = "".join(event["data"]["chunk"] for event in events if event["type"] == "tool-output")
    assert output == "1b"
    first_asked = model_server.asked[prompt][4]
    assert told(first_asked).count("The user says meanwhile: in blue") == 1
    words = [event["data"]["value"] for event in events if event["type"] == "user-message"]
    assert words == ["in blue"]
    assert model_server.calls(prompt) == 6

    # What the fork left is the project's now; a fork of the fork still has its past.
    _, again = branched(scripted_service, events[0]["runId"], "fork", step="tool-1-1")
    assert files_of(again) == {"a.txt": "1", "b.txt": "b"}


def test_a_fork_of_the_first_step_is_a_new_prompt(
    scripted_service: Service, model_server: ModelServer, script: Callable[..., str]
) -> None:
    prompt, other = script(writes(a_txt="1"), DONE), script(writes(a_txt="2"), DONE)
    source = run_to_end(scripted_service, projectId=prompt, value=prompt)[0]["runId"]
    made, events = branched(scripted_service, source, "fork", step="prepare", value=other)
    assert (files_of(events), model_server.calls(other), made["origin"]["steps"]) == ({"a.txt": "2"}, 2, 0)
    assert events[-1]["data"]["title"].casefold() == other.casefold()


def test_a_fork_keeps_what_its_project_began_with(scripted_service: Service, script: Callable[..., str]) -> None:
    """Seen failing without the pin: a fork on a project that had files lost them."""
    first = script(writes(old_txt="old"), DONE)
    run_to_end(scripted_service, projectId=first, value=first)
    second = script(writes(a_txt="1"), writes(a_txt="2", old_txt="new"), DONE, writes(b_txt="b"), DONE)
    source = run_to_end(scripted_service, projectId=first, value=second)
    assert files_of(source) == {"a.txt": "2", "old.txt": "new"}
    _, events = branched(scripted_service, source[0]["runId"], "fork", step="model-2")
    assert files_of(events) == {"a.txt": "1", "b.txt": "b", "old.txt": "old"}


def test_messages_and_approvals_are_taken_over_as_far_as_they_were_heard(
    scripted_service: Service, model_server: ModelServer, script: Callable[..., str]
) -> None:
    gate, late = Gate(), Gate()
    prompt = script(runs("echo ask-me > a.txt"), gate, writes(b_txt="b"), late, DONE, writes(c_txt="c"), DONE)
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    wait_until_asked(scripted_service, run_id)
    assert answer(scripted_service, run_id, allow=True).status_code == 202
    gate.wait_until_asked()
    tell(scripted_service, run_id, "one")
    gate.finish("Done.")
    late.wait_until_asked()
    tell(scripted_service, run_id, "two")
    late.finish("Done.")
    assert files_of(events_of(scripted_service, run_id)) == {"a.txt": "ask-me\n", "b.txt": "b"}

    _, events = branched(scripted_service, run_id, "fork", step="model-4")
    assert files_of(events) == {"a.txt": "ask-me\n", "b.txt": "b", "c.txt": "c"}
    assert [event["data"]["value"] for event in events if event["type"] == "user-message"] == ["one"]
    assert sum(event["type"] == "approval-answer" for event in events) == 1
    assert told(model_server.asked[prompt][5]).count("The user says meanwhile: one") == 1
    assert "says meanwhile: two" not in told(model_server.asked[prompt][5])


def tell(service: Service, run_id: str, value: str) -> None:
    assert service.http.post(f"/agent/run/{run_id}/messages", json={"value": value}).status_code == 202


def test_the_same_key_is_one_fork(scripted_service: Service, script: Callable[..., str]) -> None:
    prompt = script(writes(a_txt="1"), DONE)
    source = run_to_end(scripted_service, projectId=prompt, value=prompt)[0]["runId"]
    answers = [branch(scripted_service, source, "fork", step="model-2", key="once") for _ in range(3)]
    assert [one.status_code for one in answers] == [202] * 3
    assert len({one.json()["runId"] for one in answers}) == len({one.headers["x-run-id"] for one in answers}) == 1
    other = branch(scripted_service, source, "fork", step="model-1", key="once")
    assert other.status_code == 422
    events_of(scripted_service, answers[0].json()["runId"])


def test_another_model_goes_on_from_there(scripted_service: Service, script: Callable[..., str]) -> None:
    prompt = script(writes(a_txt="1"), DONE)
    source = run_to_end(scripted_service, projectId=prompt, value=prompt)[0]["runId"]
    made, events = branched(scripted_service, source, "fork", step="model-2", model="offline")
    shown = scripted_service.http.get(f"/agent/run/{made['runId']}").json()
    assert (shown["model"], shown["origin"]) == ("offline", made["origin"])
    assert "a.txt" in files_of(events)


def test_a_cancelled_run_goes_on_with_what_its_user_had_said(
    scripted_service: Service, model_server: ModelServer, script: Callable[..., str]
) -> None:
    gate = Gate()
    prompt = script(writes(a_txt="1"), gate, DONE)
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    tell(scripted_service, run_id, "hurry")
    going = branch(scripted_service, run_id, "retry")
    assert (going.status_code, going.json()["details"]) == (409, {"status": "running"})
    scripted_service.http.post(f"/agent/run/{run_id}/cancel")
    _, events = branched(scripted_service, run_id, "retry")
    assert files_of(events) == {"a.txt": "1"}
    assert told(model_server.asked[prompt][-1]).count("The user says meanwhile: hurry") == 1


@pytest.fixture(scope="module")
def complete(service: Service) -> str:
    run_id: str = run_to_end(service, projectId="complete", model="offline")[0]["runId"]
    return run_id


@pytest.mark.parametrize(
    ("how", "body", "status", "error"),
    [
        ("retry", {}, 409, "The run is complete: there is nothing to go on with. Fork it from one of its steps"),
        ("fork", {"step": "model-99"}, 400, "The run has no step 'model-99'"),
        ("fork", {"step": "a\u202eb\n"}, 400, "The run has no step 'a\\u202eb\\n'"),
        ("fork", {"value": "x"}, 400, "The body is not as expected"),
        ("fork", {"step": 3}, 400, "Wrong types"),
        ("fork", {"step": "model-1", "vlaue": "x"}, 400, "The body is not as expected"),
        ("fork", {"step": "model-1", "value": " "}, 400, BLANK),
        ("fork", {"step": "model-1", "model": "gpt-9"}, 400, "Unknown model 'gpt-9'"),
    ],
)  # fmt: skip
def test_what_cannot_be_branched_is_refused_and_changes_nothing(
    service: Service, complete: str, how: str, body: dict[str, Any], status: int, error: str
) -> None:
    with redis.Redis.from_url(service.env["REDIS_URL"]) as client:
        before = len(client.keys("agent:{*}:run"))
        response = branch(service, complete, how, **body)
        assert (response.status_code, response.json()["error"]) == (status, error)
        assert len(client.keys("agent:{*}:run")) == before
    if "has no step" in error:
        assert response.json()["details"]["steps"][:2] == ["prepare", "model-1"]


@pytest.mark.parametrize("how", ["retry", "fork"])
def test_a_run_that_is_not_there_cannot_be_branched(service: Service, how: str) -> None:
    response = branch(service, "run_nobody", how, step="model-1")
    assert (response.status_code, response.json()) == (404, {"error": "Unknown or expired run"})


def test_a_fork_from_a_step_that_is_not_finished_names_those_that_are(
    scripted_service: Service, model_server: ModelServer, script: Callable[..., str]
) -> None:
    gate = Gate()
    prompt = script(writes(a_txt="1"), gate)
    run_id = start_run(scripted_service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    response = branch(scripted_service, run_id, "fork", step="model-2")
    assert response.status_code == 409
    assert response.json() == {
        "error": "Step 'model-2' is not finished: a fork starts from one that is",
        "details": {"steps": ["prepare", "model-1", "tool-1-1"]},
    }
    gate.finish("Done.")
    events_of(scripted_service, run_id)
