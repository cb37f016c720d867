"""SIGTERM: streams end at once, running steps finish or are given up, the process goes, the run goes on elsewhere."""

from collections.abc import Callable

import redis

from lab.inngest import InngestExecutor
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import TERMINAL_TYPES, assert_whole, events_of, follow, sse_events, start_run
from orchestrator.events import now_ms
from tests.conftest import StartService
from tests.reliability.conftest import FUNCTION
from tests.reliability.scripts import DONE, writes
from tools.processes import wait_until

GONE_SECONDS = 25.0  # the promise, and what Service.stop waits for before it kills
LEASE_SECONDS = 6.0


def test_a_running_step_finishes_before_the_process_goes(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """The order is what counts: the stream has ended while the model still talks, and the step is committed.

    Without the drain event the stream ended only with the process; with the leases not renewed while draining
    (DirectEngine._keep_looking ending at once) another process could take the step away.
    """
    gate = Gate()
    prompt = model_server.script(unique("drain"), gate, writes("a.txt", "a"), DONE)
    service = start_service(workers=2, **model_server.environment())
    run_id = start_run(service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    gate.say("before ")
    with follow(service, run_id) as response:
        events = sse_events(response)
        seen = [next(events)]
        while seen[-1]["type"] != "text":
            seen.append(next(events))
        service.terminate()
        seen += events
    assert not {event["type"] for event in seen} & set(TERMINAL_TYPES)
    lease = _lease(service, run_id)
    wait_until(lambda: _lease(service, run_id) > lease, LEASE_SECONDS, "the lease to be renewed while the step runs")
    assert service.is_alive(), "the process did not wait for its step"
    gate.finish("after ")
    wait_until(lambda: not service.is_alive(), GONE_SECONDS, "the service to be gone")
    assert service.log().count("Worker exiting") == 2, "a worker was killed: something held it for too long"
    _assert_quiet(service)

    service.restart()
    seen += events_of(service, run_id, after=seen[-1]["id"])
    assert_whole(seen)
    assert seen[-1]["type"] == "complete"
    assert "rollback" not in {event["type"] for event in seen}
    assert model_server.calls(prompt) == 3
    _assert_quiet(service)


def test_a_step_that_does_not_finish_is_given_up(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """It runs again elsewhere, at once: the lease is handed back (DirectEngine._release).

    Without Drain.check the process stayed until gunicorn killed it.
    """
    endless, whole = Gate(), Gate()
    prompt = model_server.script(unique("give-up"), endless, whole, writes("a.txt", "a"), DONE)
    service = start_service(workers=2, DRAIN_SECONDS="1", **model_server.environment())
    run_id = start_run(service, projectId=prompt, value=prompt)
    endless.wait_until_asked()
    endless.say("half ")
    service.terminate()
    assert endless.was_hung_up.wait(GONE_SECONDS), "the step was not given up"
    wait_until(lambda: not service.is_alive(), GONE_SECONDS, "the service to be gone")
    assert "run.handed_over" in service.log(), "the process was killed before it had let go of its run"
    assert _lease(service, run_id) <= now_ms(), "the run has to wait for the end of a lease that nobody holds"
    _assert_quiet(service)

    service.restart()
    whole.wait_until_asked()
    whole.finish("whole")
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert model_server.calls(prompt) == 4


def _lease(service: Service, run_id: str) -> int:
    with redis.Redis.from_url(service.env["REDIS_URL"], decode_responses=True) as client:
        return int(str(client.hget(f"agent:{{{run_id}}}:run", "leaseUntil")))


def _assert_quiet(service: Service) -> None:
    assert "Traceback" not in service.log(), service.log()


def test_drains_are_no_failure_of_a_run_at_inngest(
    executor: InngestExecutor, start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """It gives up after four attempts, whyever they ended. Without Disturbed the run failed as "shutting down"."""
    gates = [Gate() for _ in range(4)]
    prompt = model_server.script(unique("reloads"), *gates, DONE)
    service = start_service(
        AGENT_ENGINE="inngest",
        INNGEST_BASE_URL=executor.base_url,
        DRAIN_SECONDS="0",
        AGENT_STALL_SECONDS="2",
        OPENAI_BASE_URL=model_server.url,
    )
    executor.wait_for_function(FUNCTION)
    run_id = start_run(service, projectId=prompt, value=prompt)
    for gate in gates:
        gate.wait_until_asked()
        service.reload()
        assert gate.was_hung_up.wait(GONE_SECONDS), "the step was not given up"
    shown = f"/agent/run/{run_id}"
    wait_until(lambda: service.http.get(shown).json()["status"] not in ("queued", "running"), 60, "the run to end")
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert executor.runs_for(FUNCTION, runId=run_id)[0].status == "Failed"
