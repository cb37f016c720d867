"""A command that waits for its user runs once when it is allowed, and never when not, whatever dies meanwhile."""

from collections.abc import Callable
from functools import partial

import pytest
import redis

from agent.messages import Approval
from lab.approvals import ID, answer, made_older, wait_until_asked
from lab.inngest import Call, InngestExecutor
from lab.inngest.model import Run
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, start_run
from orchestrator.runlog import RunLog
from tests.conftest import StartService
from tests.reliability.conftest import FUNCTION, ROUGH
from tests.reliability.scripts import DONE, Marks, runs
from tools.processes import wait_until

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def types_about_the_call(events: list[Event]) -> list[str]:
    return [event["type"] for event in events if event["type"].startswith(("tool-", "approval-"))]


@pytest.fixture
def own_service(
    request: pytest.FixtureRequest, start_service: StartService, model_server: ModelServer
) -> Callable[[str], Service]:
    """Starts a service of this test with the engine of that name."""

    def start(engine: str) -> Service:
        env = ROUGH | {"AGENT_ENGINE": engine, "AGENT_STALL_SECONDS": "2"} | model_server.environment()
        if engine == "direct":
            return start_service(workers=1, **env)
        executor: InngestExecutor = request.getfixturevalue("executor")
        service = start_service(workers=1, **env | executor.environment())
        executor.wait_for_function(FUNCTION)
        return service

    return start


def test_a_command_runs_once_it_is_allowed_and_what_was_said_stays(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    command = f"{marks.note('ran')}; echo ask-me"
    prompt = model_server.script(unique("allow"), runs(command), DONE)
    run_id = start_run(either_service, projectId=prompt, value=prompt)
    assert wait_until_asked(either_service, run_id)["engine"] == "waiting"
    assert marks.lines("ran") == []
    assert answer(either_service, run_id, allow=True).status_code == 202
    events = events_of(either_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert marks.lines("ran") == ["x"]
    about = ["tool-call", "approval-request", "approval-answer", "tool-output", "tool-result"]
    assert types_about_the_call(events) == about
    asked = next(event for event in events if event["type"] == "approval-request")
    call = {"tool": "terminal", "args": {"command": command}, "callId": "call-1-1"}
    assert asked["data"] == {"approvalId": ID, **call}
    assert [event["data"] for event in events if event["type"] == "tool-call"] == [call]
    assert "rollback" not in {event["type"] for event in events}


def test_a_command_that_is_not_allowed_is_answered_with_the_reason(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    prompt = model_server.script(unique("deny"), runs(f"{marks.note('ran')}; echo ask-me"), DONE)
    run_id = start_run(either_service, projectId=prompt, value=prompt)
    wait_until_asked(either_service, run_id)
    assert answer(either_service, run_id, allow=False, reason="Not on a Friday.").status_code == 202
    events = events_of(either_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert marks.lines("ran") == []
    result = next(event["data"] for event in events if event["type"] == "tool-result")
    assert (result["ok"], result["note"]) == (False, "not allowed")
    read = model_server.asked[prompt][1]["messages"][-1]["content"]
    assert read.startswith("Not carried out: the user does not allow this command.")
    assert read.endswith("The user says: Not on a Friday.")


def test_a_run_that_waits_can_be_cancelled(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    prompt = model_server.script(unique("cancel"), runs(f"{marks.note('ran')}; echo ask-me"))
    run_id = start_run(either_service, projectId=prompt, value=prompt)
    wait_until_asked(either_service, run_id)
    assert either_service.http.post(f"/agent/run/{run_id}/cancel").status_code == 202
    events = events_of(either_service, run_id)
    assert_whole(events)
    assert (events[-1]["code"], events[-1]["receipt"]["stepsDone"]) == ("cancelled", ["model-1", "prepare"])
    assert answer(either_service, run_id, allow=True).json()["details"]["status"] == "cancelled"
    with redis.Redis.from_url(either_service.env["REDIS_URL"]) as client:
        queues = [f"agent:active:{name}" for name in ("waiting", "direct", "inngest")]
        wait_until(lambda: not any(client.zscore(queue, run_id) for queue in queues), 10, "the run to leave all queues")
    assert marks.lines("ran") == []


@pytest.mark.parametrize("engine", ["direct", "inngest"])
def test_a_run_waits_over_the_death_of_the_service(
    engine: str,
    own_service: Callable[[str], Service],
    model_server: ModelServer,
    unique: Callable[[str], str],
    marks: Marks,
) -> None:
    prompt = model_server.script(unique("killed"), runs(f"{marks.note('ran')}; echo ask-me > a.txt"), DONE)
    service = own_service(engine)
    run_id = start_run(service, projectId=prompt, value=prompt)
    wait_until_asked(service, run_id)
    service.kill()
    service.restart()
    wait_until_asked(service, run_id)
    assert answer(service, run_id, allow=True).status_code == 202
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert marks.lines("ran") == ["x"]
    assert model_server.calls(prompt) == 2


@pytest.mark.parametrize("engine", ["direct", "inngest"])
def test_an_answer_counts_whose_process_died_before_it_gave_the_run_to_an_engine(
    engine: str,
    own_service: Callable[[str], Service],
    model_server: ModelServer,
    unique: Callable[[str], str],
    marks: Marks,
) -> None:
    """Without the watch's look the run waited on."""
    prompt = model_server.script(unique("answered"), runs(f"{marks.note('ran')}; echo ask-me"), DONE)
    service = own_service(engine)
    run_id = start_run(service, projectId=prompt, value=prompt)
    wait_until_asked(service, run_id)
    service.kill()
    with redis.Redis.from_url(service.env["REDIS_URL"]) as client:
        RunLog(client).approvals.answer(run_id, ID, Approval(allow=True))  # and then it died
    service.restart()
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert marks.lines("ran") == ["x"]


def test_an_execution_that_fails_after_it_has_asked_does_not_end_the_run(
    rough_inngest_service: Service,
    rough_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
    marks: Marks,
) -> None:
    """Inngest gives up on a service that is gone. Without the engine compared in ending.py that was the end."""
    prompt = model_server.script(unique("gives-up"), runs(f"{marks.note('ran')}; echo ask-me"), DONE)
    rough_executor.faults.drop_answer(lambda call: call.event["data"].get("value") == prompt and _asks(call), times=4)
    run_id = start_run(rough_inngest_service, projectId=prompt, value=prompt)
    wait_until_asked(rough_inngest_service, run_id)
    first = rough_executor.runs_for(FUNCTION, value=prompt)[0]
    wait_until(lambda: first.status == "Failed", 20, "Inngest to give up")
    failures = f"{FUNCTION}-failure"
    wait_until(
        lambda: any(run.status != "Running" for run in _failures(rough_executor, failures, prompt)), 20, "its end"
    )
    wait_until_asked(rough_inngest_service, run_id)
    assert answer(rough_inngest_service, run_id, allow=True).status_code == 202
    events = events_of(rough_inngest_service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert marks.lines("ran") == ["x"]


def test_waiting_is_not_part_of_a_runs_time_and_nothing_of_it_expires(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """With six days of waiting counted the run was over its time at the next step."""
    prompt = model_server.script(unique("days"), runs("echo ask-me"), DONE)
    body, headers = {"projectId": prompt, "value": prompt}, {"Idempotency-Key": prompt, "Accept": "application/json"}
    run_id = either_service.http.post("/agent/run", json=body, headers=headers).json()["runId"]
    wait_until_asked(either_service, run_id)
    with redis.Redis.from_url(either_service.env["REDIS_URL"]) as client:
        names = [*client.keys(f"agent:{{{run_id}}}:*"), client.get(f"agent:idempotency:of:{run_id}")]
        assert len(names) == 6  # run, log, steps, inbox, journal; there are no files yet
        assert all(client.pttl(name) > 7 * DAY_MS for name in names)
    made_older(either_service, run_id, 6 * DAY_MS)
    assert answer(either_service, run_id, allow=True).status_code == 202
    events = events_of(either_service, run_id)
    assert events[-1]["type"] == "complete"
    assert either_service.http.post("/agent/run", json=body, headers=headers).json()["runId"] == run_id


def test_nobody_is_waited_for_longer_than_said(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("nobody"), runs("echo ask-me"))
    run_id = start_run(either_service, projectId=prompt, value=prompt)
    wait_until_asked(either_service, run_id)
    made_older(either_service, run_id, 7 * DAY_MS)
    events = events_of(either_service, run_id)
    assert_whole(events)
    assert (events[-1]["code"], "approval-1-1" in events[-1]["data"]) == ("timeout", True)


def test_a_run_may_ask_more_often_than_engines_may_lose_it(
    rough_service: Service, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    """And a worker that dies afterwards still costs nothing but a move."""
    questions = 12
    command = f"{marks.note('ran')}; echo ask-me"
    prompt = model_server.script(unique("often"), *[runs(command)] * questions, DONE)
    run_id = start_run(rough_service, projectId=prompt, value=prompt)
    for turn in range(1, questions + 1):
        wait_until(partial(_allows, rough_service, run_id, f"approval-{turn}-1"), 20, f"question {turn}")
    with redis.Redis.from_url(rough_service.env["REDIS_URL"]) as client:
        assert events_of(rough_service, run_id)[-1]["type"] == "complete"
        fields = client.hmget(f"agent:{{{run_id}}}:run", "generation", "moves")
    assert fields == [str(questions).encode(), None]
    assert marks.lines("ran") == ["x"] * questions


def _asks(call: Call) -> bool:
    return ID in call.steps_run


def _failures(executor: InngestExecutor, function: str, prompt: str) -> list[Run]:
    """The runs of on_failure for this prompt."""
    runs = [run for run in list(executor.runs) if run.function.id == function]
    return [run for run in runs if run.event["data"]["event"]["data"].get("value") == prompt]


def _allows(service: Service, run_id: str, approval_id: str) -> bool:
    return answer(service, run_id, approval_id, allow=True).is_success
