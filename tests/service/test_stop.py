"""SIGTERM ends a service in order: streams end at once, a step that waits is given up, and the run goes on later."""

import socket
import threading
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection

import pytest
import redis

from lab.model_server import Gate, ModelServer
from lab.sse import EVENT_STREAM, assert_whole, events_of, post_run, sse_events
from orchestrator.events import RunRequested
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from tests.conftest import StartService
from tools.processes import wait_until


def test_streams_end_without_a_terminal_event_and_the_run_is_taken_up_again(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """`stop` insists after 25 s and returns -9 then; the platform insists after 30 s."""
    held, second = Gate(), Gate()
    service = start_service(workers=1, DRAIN_SECONDS="0.5", **model_server.environment())
    prompt = model_server.script(unique("stop"), held, second)
    codes: list[int] = []
    stopping = threading.Thread(target=lambda: codes.append(service.stop()))
    with post_run(service, value=prompt, headers=EVENT_STREAM) as response:
        events = sse_events(response)
        seen = [next(events)]
        held.wait_until_asked()
        stopping.start()
        seen += events  # ends in order: httpx raises where a body is cut off
    stopping.join()
    assert codes == [0]
    assert seen[-1]["type"] not in ("complete", "error")
    assert held.was_hung_up.wait(20)

    service.restart()
    second.wait_until_asked()
    second.finish("After the restart.")
    seen += events_of(service, seen[0]["runId"], seen[-1]["id"])
    assert_whole(seen)
    assert seen[-1]["type"] == "complete"
    assert "After the restart." in [event["data"] for event in seen]


def test_a_poll_that_waits_does_not_hold_up_the_end(
    start_service: StartService, redis_client: "redis.Redis", redis_url: str, unique: Callable[[str], str]
) -> None:
    """Nor does its connection, which stays open for a next request: the worker waited for both until it was killed."""
    service, run_id = start_service(workers=1), unique("run")
    RunLog(connect(redis_url, 2)).create(RunRequested(run_id=run_id, project_id="p", value="v"), "inngest", "hello")
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=30)) as client:
        client.request("GET", f"/agent/run/{run_id}/poll?after=1&wait=60")
        wait_until(lambda: redis_client.pubsub_numsub(f"agent:{run_id}")[0][1], 10, "the poll to wait")
        service.terminate()
        assert client.getresponse().read() == b'{"events":[],"next":1,"done":false}'
        wait_until(lambda: not service.is_alive(), 25, "the service to end")
    assert service.log().count("Worker exiting") == 1, "the worker was killed"


@pytest.mark.parametrize("fields", ["Content-Length: 50", "Transfer-Encoding: chunked"])
def test_half_a_body_does_not_hold_up_the_end(start_service: StartService, fields: str) -> None:
    """The worker waited for it until it was killed. Nor is the client told that it was its fault."""
    service = start_service(workers=1, REQUEST_BODY_TIMEOUT="120")
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as client:
        client.sendall(f"POST /agent/run HTTP/1.1\r\nHost: 127.0.0.1\r\n{fields}\r\n\r\n5\r\n".encode())
        assert service.http.get("/healthz").status_code == 200  # so it was read
        service.terminate()
        assert client.recv(1) == b""
        wait_until(lambda: not service.is_alive(), 25, "the service to end")
    assert service.log().count("Worker exiting") == 1 and "graceful timeout" not in service.log(), (
        "the worker was killed"
    )


def test_a_running_step_is_finished_when_it_is_quick(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """DRAIN_SECONDS is for that: the model's answer is not paid twice."""
    gate = Gate()
    service = start_service(workers=1, DRAIN_SECONDS="20", **model_server.environment())
    prompt = model_server.script(unique("drain"), gate)
    with post_run(service, value=prompt, headers=EVENT_STREAM) as response:
        run_id = response.headers["x-run-id"]
        gate.wait_until_asked()
        service.terminate()
        list(sse_events(response))  # drains: the stream has ended, the step has not
        gate.finish("Just in time.")
    wait_until(lambda: not service.is_alive(), 25, "the service to end")
    assert model_server.calls(prompt) == 1
    service.restart()
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert "rollback" not in {event["type"] for event in events if event["step"] == "model-1"}
    assert model_server.calls(prompt) == 2  # the second one asks about "no files"
