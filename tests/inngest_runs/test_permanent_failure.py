"""A step that cannot succeed ends the run: for its viewers, at Inngest, and for functions that listen."""

from collections.abc import Callable

import pytest

from lab.inngest import InngestExecutor
from lab.llm import Answer, fails
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, run_to_end, start_run
from tests.inngest_runs.looking import run_at, sent_events
from tools.processes import wait_until

BAD_KEY = fails(401, "Incorrect API key")


def test_the_run_ends_in_an_error_with_code_failed(
    inngest_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("permanent"), BAD_KEY)
    events = run_to_end(inngest_service, value=prompt)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "failed")
    assert "Incorrect API key" in events[-1]["data"]
    assert model_server.calls(prompt) == 1
    shown = inngest_service.http.get(f"/agent/run/{events[0]['runId']}").json()
    assert shown["status"] == "failed"
    assert shown["error"] == {"message": events[-1]["data"], "code": "failed"}


@pytest.mark.parametrize(
    ("failure", "asked"),
    [pytest.param(BAD_KEY, 1, id="permanent"), pytest.param(fails(503, retry_after="0"), 4, id="transient-for-ever")],
)
def test_the_failure_is_sent_to_other_functions(
    failure: Answer,
    asked: int,
    executor_service: Service,
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    prompt, project = model_server.script(unique("permanent"), failure), unique("project")
    run_id = start_run(executor_service, value=prompt, projectId=project)
    events = events_of(executor_service, run_id)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "failed")
    assert model_server.calls(prompt) == asked
    assert run_at(shared_executor, run_id).status == "Failed"
    name = "code-agent/run.error"
    wait_until(lambda: sent_events(shared_executor, name, run_id), 20, name)
    (sent,) = sent_events(shared_executor, name, run_id)
    assert (sent["projectId"], sent["code"]) == (project, "failed")
    assert sent["error"]
    assert len(events_of(executor_service, run_id)) == len(events)
