"""A run through Inngest: every step once, one HTTP call each, every event published once."""

from collections.abc import Callable

from lab.inngest import InngestExecutor
from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import EVENT_STREAM, Event, assert_whole, events_of, post_run, run_to_end, sse_events, start_run
from tests.inngest_runs.looking import run_at, sent_events, stored_ids, text_of
from tools.processes import wait_until

WRITES = ("createOrUpdateFiles", '{"files": [{"path": "a.py", "content": "print(6 * 7)\\n"}]}')
RUNS = ("terminal", '{"command": "python3 a.py"}')


def scripted(model_server: ModelServer, prompt: str) -> str:
    answers = says("I write.", calls=(WRITES,)), says("I run.", calls=(RUNS,)), says("It prints ", "42.")
    return model_server.script(prompt, *answers)


def assert_the_script_was_played(events: list[Event]) -> None:
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert events[-1]["data"]["files"] == {"a.py": "print(6 * 7)\n"}
    assert text_of(events) == "I write.I run.It prints 42."
    assert "rollback" not in {event["type"] for event in events}
    assert "".join(event["data"]["chunk"] for event in events if event["type"] == "tool-output") == "42\n"


def test_a_run_is_streamed_live_from_its_post_to_its_end(
    inngest_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = scripted(model_server, unique("complete"))
    with post_run(inngest_service, value=prompt, projectId=unique("project"), headers=EVENT_STREAM) as response:
        run_id = response.headers["x-run-id"]
        events = list(sse_events(response))
    assert_the_script_was_played(events)
    assert "Inngest" in events[0]["data"]
    assert events_of(inngest_service, run_id) == events
    assert model_server.calls(prompt) == 3
    shown = inngest_service.http.get(f"/agent/run/{run_id}").json()
    assert (shown["status"], shown["engine"]) == ("complete", "inngest")
    assert shown["result"] == events[-1]["data"]


def test_an_offline_run_is_whole(inngest_service: Service, unique: Callable[[str], str]) -> None:
    events = run_to_end(inngest_service, projectId=unique("project"), model="offline")
    assert_whole(events)
    assert events[-1]["type"] == "complete"


def test_each_step_takes_one_call_and_replay_publishes_nothing(
    executor_service: Service,
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    run_id = start_run(executor_service, value=scripted(model_server, unique("calls")), projectId=unique("project"))
    assert_the_script_was_played(events_of(executor_service, run_id))
    run = run_at(shared_executor, run_id)
    assert run.status == "Completed"
    steps = [
        *("claim", "prepare", "model-1", "tool-1-1", "model-2", "tool-2-1", "model-3"),
        *("check-1", "finish", "complete", "announce"),
    ]
    calls = shared_executor.calls_of(run.id)
    assert [call.steps_run for call in calls] == [*((step,) for step in steps), ()]
    assert [call.known for call in calls] == [tuple(steps[:done]) for done in range(len(steps) + 1)]
    assert {call.attempt for call in calls} == {0}
    last = len(events_of(executor_service, run_id))
    assert stored_ids(executor_service, run_id) == [f"{number}-0" for number in range(1, last + 1)]


def test_the_end_is_announced_to_other_functions(
    executor_service: Service, shared_executor: InngestExecutor, unique: Callable[[str], str]
) -> None:
    project = unique("project")
    end = run_to_end(executor_service, projectId=project, model="offline")[-1]
    run_id = end["runId"]
    name = "code-agent/run.complete"
    wait_until(lambda: sent_events(shared_executor, name, run_id), 20, name)
    told = {field: end["data"][field] for field in ("title", "summary", "outcome", "missing")}
    assert sent_events(shared_executor, name, run_id) == [{"runId": run_id, "projectId": project, **told}]
