"""Direct mode: what a killed process had in hand goes on, in another process or after a restart."""

import os
import signal
from collections.abc import Callable

import pytest
import redis

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, follow, sse_events, start_run
from tests.conftest import StartService
from tests.reliability.scripts import DONE, Marks, is_running, runs
from tools.processes import wait_until


def kill_its_worker(service: Service, run_id: str) -> None:
    with redis.Redis.from_url(service.env["REDIS_URL"], decode_responses=True) as client:
        owner = client.hget(f"agent:{{{run_id}}}:run", "claimed")
    pid = next(pid for pid in service.worker_pids() if f"-{pid}-" in str(owner))
    os.kill(pid, signal.SIGKILL)


def kill_the_service(service: Service, run_id: str) -> None:
    service.kill()
    service.restart()


@pytest.mark.parametrize("kill", [kill_its_worker, kill_the_service], ids=["a worker", "the whole service"])
def test_a_run_goes_on_at_the_step_that_was_interrupted(
    kill: Callable[[Service, str], None],
    start_service: StartService,
    model_server: ModelServer,
    unique: Callable[[str], str],
    marks: Marks,
) -> None:
    """Finished steps are not executed again; half a reply of the model is rolled back.

    Without _take_due_runs looking for leases that have ended the run stood still after the kill. With the memo off
    the command of turn 1 left two marks.
    """
    half, whole = Gate(), Gate()
    background = f"(echo $$ >> {marks.folder}/pid; sleep 600) & {marks.note('ran')}; echo made > made.txt"
    prompt = model_server.script(unique("takeover"), runs(background), half, whole, DONE)
    service = start_service(workers=2, AGENT_SANDBOX="unsafe-local", **model_server.environment())
    run_id = start_run(service, projectId=prompt, value=prompt)
    half.wait_until_asked()
    half.say("half a reply")
    seen = _until_text(service, run_id)

    kill(service, run_id)
    whole.wait_until_asked()
    whole.finish("a whole reply")
    seen += events_of(service, run_id, after=seen[-1]["id"])

    assert_whole(seen)
    assert seen[-1]["type"] == "complete"
    assert seen[-1]["data"]["files"] == {"made.txt": "made\n"}
    assert seen[-1]["data"]["usage"]["abandoned"] == 7, "the half reply had read as much as the whole one"
    assert marks.lines("ran") == ["x"]
    assert model_server.calls(prompt) == 3
    rollback = next(event["data"] for event in seen if event["type"] == "rollback")
    texts = [
        (event["data"], rollback["fromId"] <= event["id"] <= rollback["toId"]) for event in seen if _is_reply(event)
    ]
    assert texts == [("half a reply", True), ("a whole reply", False)]


def test_a_command_dies_with_the_worker_that_runs_it(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """In the jail of bubblewrap. Without --die-with-parent the dead worker's command went on beside the new one."""
    seconds = 600 + int(unique("")[1:5], 16) / 100_000  # to be known among all processes of this machine
    prompt = model_server.script(unique("orphan"), runs(f"sleep {seconds}; true"))
    service = start_service(workers=1, AGENT_SANDBOX="bubblewrap", **model_server.environment())
    run_id = start_run(service, projectId=prompt, value=prompt)
    pids = wait_until(lambda: _pids_of(f"sleep\0{seconds}\0"), 20, "the command to run")
    kill_its_worker(service, run_id)
    wait_until(lambda: not any(map(is_running, pids)), 10, "the command to be killed")
    service.http.post(f"/agent/run/{run_id}/cancel")


def _until_text(service: Service, run_id: str) -> list[Event]:
    seen = []
    with follow(service, run_id) as response:
        for event in sse_events(response):
            seen.append(event)
            if _is_reply(event):
                break
    return seen


def _is_reply(event: Event) -> bool:
    return bool(event["type"] == "text" and event["step"] == "model-2")


def _pids_of(command_line: str) -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline") as file:
                if file.read() == command_line:
                    found.append(int(name))
        except OSError:
            continue
    return found
