"""Forks and retries keep the promises of every run: steps once, one end, whatever dies around them."""

from collections.abc import Callable

from lab.llm import fails
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, run_to_end
from tests.conftest import StartService
from tests.reliability.scripts import DONE, Marks, runs
from tests.reliability.test_takeover import kill_its_worker


def branch(service: Service, run_id: str, how: str, **body: str) -> str:
    response = service.http.post(f"/agent/run/{run_id}/{how}", json=body or None)
    assert response.status_code == 202, response.text
    return str(response.json()["runId"])


def test_both_engines_fork_and_retry_without_doing_a_finished_step_again(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    first, second = f"{marks.note('first')}; echo a > a.txt", f"{marks.note('second')}; echo b > b.txt"
    prompt = model_server.script(unique("both"), runs(first), runs(second), fails(401), DONE, runs(second), DONE)
    failed = run_to_end(either_service, projectId=prompt, value=prompt)
    assert failed[-1]["code"] == "failed"

    retried = events_of(either_service, branch(either_service, failed[0]["runId"], "retry"))
    assert_whole(retried)
    assert retried[-1]["data"]["files"] == {"a.txt": "a\n", "b.txt": "b\n"}
    assert (marks.lines("first"), marks.lines("second")) == (["x"], ["x"])

    forked = events_of(either_service, branch(either_service, retried[0]["runId"], "fork", step="model-2"))
    assert_whole(forked)
    assert forked[-1]["data"]["files"] == {"a.txt": "a\n", "b.txt": "b\n"}
    assert (marks.lines("first"), marks.lines("second")) == (["x"], ["x", "x"])
    assert model_server.calls(prompt) == 6


def test_a_fork_goes_on_when_its_worker_is_killed(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    half, whole = Gate(), Gate()
    prompt = model_server.script(unique("killed"), runs(f"{marks.note('ran')}; echo a > a.txt"), DONE, half, whole)
    service = start_service(workers=2, AGENT_SANDBOX="unsafe-local", **model_server.environment())
    source = run_to_end(service, projectId=prompt, value=prompt)[0]["runId"]
    run_id = branch(service, source, "fork", step="model-2", value="and more")
    half.wait_until_asked()
    kill_its_worker(service, run_id)
    whole.wait_until_asked()
    whole.finish("Done.")
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["data"]["files"] == {"a.txt": "a\n"}
    assert marks.lines("ran") == ["x"]
    told = "".join(message["content"] for message in model_server.asked[prompt][-1]["messages"])
    assert told.count("The user says meanwhile: and more") == 1
