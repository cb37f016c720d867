"""However often a POST is sent with one key, and whatever dies meanwhile: one run."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import redis

from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import EVENT_STREAM, Event, assert_whole, events_of, post_run, sse_events
from orchestrator.access import LOCAL
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.runs import Prompt
from tests.reliability.scripts import DONE, writes
from tools.web_server import ROOT

DIES_BEFORE_HANDING_IN = """
import os, sys
from orchestrator.access import LOCAL
from orchestrator.runs import Prompt
from orchestrator.service import build_service
from orchestrator.settings import load_settings
service = build_service(load_settings())
service.dispatcher.start = lambda *_: os._exit(9)
print("starting", flush=True)
prompt = Prompt(project_id=sys.argv[1], value=sys.argv[1], model="auto")
run_id, _ = service.runs.find(prompt, LOCAL, sys.argv[2])
service.runs.start(run_id, prompt, LOCAL)
"""


def test_posts_that_race_with_one_key_start_one_run(
    rough_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """With `nx=True` taken out of IdempotencyKeys.claim, eight runs were started."""
    prompt = model_server.script(unique("race"), says("Nothing to do."))
    key = unique("key")

    def post(_: int) -> list[Event]:
        headers = EVENT_STREAM | {"Idempotency-Key": key}
        with post_run(rough_service, headers=headers, projectId=prompt, value=prompt) as response:
            return list(sse_events(response))

    with ThreadPoolExecutor(8) as pool:
        streams = list(pool.map(post, range(8)))
    assert_whole(streams[0])
    assert all(stream == streams[0] for stream in streams)
    assert _runs_of(rough_service, prompt) == {streams[0][0]["runId"]}


def test_a_post_that_is_sent_again_while_the_run_goes_on_sees_the_same_run(
    either_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """As fetch-event-source does when its connection breaks. Without the look-up of the key a second run began."""
    gate = Gate()
    prompt = model_server.script(unique("again"), gate, writes("a.txt", "a"), DONE)
    headers = EVENT_STREAM | {"Idempotency-Key": unique("key")}
    seen: list[Event] = []
    with post_run(either_service, headers=headers, projectId=prompt, value=prompt) as response:
        events = sse_events(response)
        gate.say("Let ", "me ", "see. ")
        while not seen or seen[-1]["type"] != "text":
            seen.append(next(events))
    headers |= {"Last-Event-ID": str(seen[-1]["id"])}
    with post_run(either_service, headers=headers, projectId=prompt, value=prompt) as response:
        gate.finish("Done.")
        seen += sse_events(response)
    assert_whole(seen)
    assert len({event["runId"] for event in seen}) == 1


def test_a_key_whose_process_died_before_it_stored_the_run(
    rough_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """The key is bound to a run that is not there. With `if first: return` in Runs.start the answer was a 404."""
    prompt = model_server.script(unique("orphan-key"), says("Nothing to do."))
    key, run_id = unique("key"), unique("run")
    with redis.Redis.from_url(rough_service.env["REDIS_URL"]) as client:
        body = Prompt(project_id=prompt, value=prompt, model="auto").model_dump_json(exclude_none=True)
        IdempotencyKeys(client, 60).claim(LOCAL, key, body, run_id)
    headers = EVENT_STREAM | {"Idempotency-Key": key}
    with post_run(rough_service, headers=headers, projectId=prompt, value=prompt) as response:
        assert response.headers["X-Run-Id"] == run_id
        assert_whole(list(sse_events(response)))


def test_a_run_whose_process_died_before_it_handed_it_in(
    rough_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Another process finds it. Without Dispatcher.reserve it stayed queued, also for those who sent it again."""
    prompt = model_server.script(unique("orphan-run"), says("Nothing to do."))
    key = unique("key")
    command = [sys.executable, "-c", DIES_BEFORE_HANDING_IN, prompt, key]
    died = subprocess.run(command, cwd=ROOT, env=rough_service.env, capture_output=True, text=True, timeout=60)
    assert (died.returncode, died.stdout) == (9, "starting\n"), died.stderr
    headers = EVENT_STREAM | {"Idempotency-Key": key}
    with post_run(rough_service, headers=headers, projectId=prompt, value=prompt) as response:
        run_id = response.headers["X-Run-Id"]
        assert_whole(list(sse_events(response)))
    assert events_of(rough_service, run_id)[-1]["type"] == "complete"


def _runs_of(service: Service, project: str) -> set[str]:
    with redis.Redis.from_url(service.env["REDIS_URL"], decode_responses=True) as client:
        found = set()
        for key in client.scan_iter("agent:{*}:run", count=1000):
            if client.hget(key, "projectId") == project:
                found.add(key.split("{")[1].split("}")[0])
        return found
