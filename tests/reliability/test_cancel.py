"""A cancel reaches what a step waits for, wherever it waits, and kills what it has started."""

import threading
from collections.abc import Callable

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, follow, sse_events, start_run
from tests.reliability.scripts import Marks, is_running, runs
from tools.processes import wait_until

STOP_SECONDS = 10.0  # the promise is 2 s; a busy machine gets more


def test_a_model_that_streams_is_hung_up(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """With `refusal` blind to ENDED the model was listened to until the gate gave up."""
    gate = Gate()
    run_id = start_run(either_service, value=model_server.script(unique("streaming"), gate))
    gate.wait_until_asked()
    stop = threading.Event()

    def talk() -> None:
        while not stop.wait(0.02):
            gate.say("word ")

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        with follow(either_service, run_id) as response:
            next(event for event in sse_events(response) if event["type"] == "text")
        _cancel(either_service, run_id)
        assert gate.was_hung_up.wait(STOP_SECONDS)
    finally:
        stop.set()
        talking.join()
    _assert_cancelled(either_service, run_id, "model-1")


def test_a_model_that_says_nothing_is_hung_up(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Without the check in agent/waiting.py nothing looked up before the model's next word."""
    gate = Gate()
    run_id = start_run(either_service, value=model_server.script(unique("silent"), gate))
    gate.wait_until_asked()
    _cancel(either_service, run_id)
    assert gate.was_hung_up.wait(STOP_SECONDS)
    _assert_cancelled(either_service, run_id, "model-1")


def test_a_command_is_killed_with_all_its_children(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str], marks: Marks
) -> None:
    """With `process.kill` instead of the group's kill the two children in the background lived on."""
    child = f"sh -c 'echo $$ >> {marks.folder}/pids; sleep 600'"
    command = f"{child} & {child} & echo $$ >> {marks.folder}/pids; wait"
    run_id = start_run(either_service, value=model_server.script(unique("command"), runs(command)))
    wait_until(lambda: len(marks.pids("pids")) == 3, 20, "the command and its children to run")
    assert all(map(is_running, marks.pids("pids")))
    _cancel(either_service, run_id)
    wait_until(lambda: not any(map(is_running, marks.pids("pids"))), STOP_SECONDS, "all of them to be killed")
    _assert_cancelled(either_service, run_id, "tool-1-1")


def test_a_run_that_nobody_has_started_yet_can_be_cancelled(
    rough_inngest_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("queued"), Gate())
    run_id = start_run(rough_inngest_service, value=prompt)
    _cancel(rough_inngest_service, run_id)
    events = events_of(rough_inngest_service, run_id)
    assert_whole(events)
    assert events[-1]["code"] == "cancelled"


def _cancel(service: Service, run_id: str) -> None:
    assert service.http.post(f"/agent/run/{run_id}/cancel").status_code == 202


def _assert_cancelled(service: Service, run_id: str, interrupted: str) -> None:
    events = events_of(service, run_id)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "cancelled")
    assert events[-1]["receipt"]["stepInterrupted"] == interrupted
