"""Results on their way out of whole services, with both engines: repeated, given up, interrupted, and never lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from lab import llm
from lab.inngest import InngestExecutor, InngestServer, RealInngest
from lab.model_server import Gate, ModelServer
from lab.receiver import TAKEN, Answer, Receiver, Request, answers, hangs, hangs_up, receiving
from lab.service import Service
from lab.sse import Event, assert_whole, events_of, run_to_end, start_run
from tests.conftest import next_database
from tests.destinations.conftest import SECRET
from tools.processes import wait_until
from tools.redis_server import RedisServer

DEPLOY_KEY = "dev:quiet-otter-7|0123456789abcdef"
STORED = answers(200, {"status": "success", "value": None, "logLines": []})
BUSY = answers(500, Retry_After="0")


@dataclass
class Place:
    """A service of one worker and where its results go."""

    service: Service
    webhook: Receiver
    convex: Receiver
    log: Path


@contextmanager
def placed(inngest: InngestServer | None, folder: Path, redis: RedisServer, model: ModelServer) -> Iterator[Place]:
    engine = "direct" if inngest is None else "inngest"
    with ExitStack() as stack:
        webhook, convex = stack.enter_context(receiving()), stack.enter_context(receiving())
        env = {"AGENT_ENGINE": engine, "AGENT_SANDBOX": "unsafe-local", "AGENT_STALL_SECONDS": "2"}
        env |= {"AGENT_WEBHOOK_URL": f"{webhook.url}/hook", "AGENT_WEBHOOK_SECRET": SECRET}
        env |= {"CONVEX_URL": convex.url, "CONVEX_DEPLOY_KEY": DEPLOY_KEY, **model.environment()}
        if inngest is not None:
            env |= inngest.environment()
        service = stack.enter_context(Service(next_database(redis), folder, workers=1, env=env))
        if inngest is not None:
            inngest.wait_for_function("runwire-code-agent-run")
        yield Place(service, webhook, convex, folder / "service.log")


@pytest.fixture(scope="module")
def direct_place(
    redis_server: RedisServer, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with placed(None, tmp_path_factory.mktemp("direct"), redis_server, model_server) as place:
        yield place


@pytest.fixture(scope="module")
def inngest_place(
    redis_server: RedisServer, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with (
        InngestExecutor(retry_delay=0.05, minimum_retry_after=0.05) as executor,
        placed(executor, tmp_path_factory.mktemp("inngest"), redis_server, model_server) as place,
    ):
        yield place


@pytest.fixture(scope="module")
def real_place(
    redis_server: RedisServer, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    with (
        RealInngest.from_environment(tmp_path_factory.mktemp("real")) as real,
        placed(real, tmp_path_factory.mktemp("service"), redis_server, model_server) as place,
    ):
        yield place


@pytest.fixture
def direct(direct_place: Place) -> Place:
    return anew(direct_place)


@pytest.fixture(params=["direct", "inngest", pytest.param("real", marks=pytest.mark.inngest)])
def place(request: pytest.FixtureRequest) -> Place:
    """The test runs with each engine."""
    return anew(request.getfixturevalue(f"{request.param}_place"))


def anew(place: Place) -> Place:
    place.webhook.script(TAKEN)
    place.convex.script(STORED)
    return place


@pytest.fixture
def prompt(model_server: ModelServer, unique: Callable[[str], str]) -> str:
    """The model makes a page and is done."""
    return model_server.script(unique("result"), llm.writes("I write."), llm.says("Done."))


def verified(request: Request) -> Any:
    return Webhook(SECRET).verify(request.body, request.headers)


def statuses(events: list[Event]) -> list[str]:
    return [event["data"] for event in events if event["type"] == "status"]


def test_each_destination_gets_the_result_once(place: Place, prompt: str) -> None:
    events = run_to_end(place.service, projectId=prompt, value=prompt)
    assert_whole(events)
    end, run_id = events[-1]["data"], events[-1]["runId"]
    went = end.pop("deliveries")
    assert went == [{"to": "convex", "delivered": True}, {"to": "webhook", "delivered": True}]
    [told] = place.webhook.requests
    assert verified(told)["data"] == {"runId": run_id, "projectId": prompt, **end}
    [stored] = place.convex.requests
    args = stored.json["args"]
    assert (args["idempotencyKey"], args["content"]) == (f"{run_id}-convex", "Done.")
    assert args["files"] == [{"path": "index.html", "content": "<title>x</title>"}]
    assert place.service.http.get(f"/agent/run/{run_id}").json()["result"]["deliveries"] == went


def test_what_passes_is_repeated_under_the_same_key(place: Place, prompt: str) -> None:
    """Gone after it had taken the letter, then rate limited, then broken."""
    trouble = [hangs_up, answers(429, Retry_After="0"), BUSY]
    place.webhook.script(*trouble, TAKEN)
    events = run_to_end(place.service, projectId=prompt, value=prompt)
    assert_whole(events)
    assert events[-1]["data"]["deliveries"][1] == {"to": "webhook", "delivered": True}
    requests = place.webhook.requests
    assert len(requests) == len(trouble) + 1
    assert {request.headers["webhook-id"] for request in requests} == {f"{events[-1]['runId']}-webhook"}
    assert len({json.dumps(verified(request)["data"], sort_keys=True) for request in requests}) == 1
    again = [said for said in statuses(events) if said.startswith("The result is not delivered to the webhook yet")]
    assert len(again) == len(trouble)
    assert len(place.convex.requests) == 1, "a destination that has it gets it again"


@pytest.mark.parametrize(
    ("answer", "calls", "reason"),
    [
        pytest.param(BUSY, 4, "it answered 500", id="never takes it"),
        pytest.param(answers(410), 1, "it answered 410", id="refuses it"),
    ],
)
def test_a_result_that_nobody_takes_is_still_the_runs(
    answer: Answer, calls: int, reason: str, place: Place, prompt: str
) -> None:
    place.convex.script(answer)
    events = run_to_end(place.service, projectId=prompt, value=prompt)
    assert_whole(events)
    end = events[-1]
    assert (end["type"], end["data"]["outcome"]) == ("complete", "done")
    assert end["data"]["deliveries"] == [
        {"to": "convex", "delivered": False, "reason": reason},
        {"to": "webhook", "delivered": True},
    ]
    assert statuses(events)[-1] == f"The result was not delivered to Convex: {reason}"
    assert len(place.convex.requests) == calls and len(place.webhook.requests) == 1


def test_of_a_run_that_fails_the_webhook_alone_is_told(
    place: Place, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    place.webhook.script(answers(500, Retry_After="0"), TAKEN)
    prompt = model_server.script(unique("refused"), llm.says("I will not.", stop="refusal"))
    run_id = run_to_end(place.service, projectId=prompt, value=prompt)[-1]["runId"]
    wait_until(lambda: len(place.webhook.of(run_id)) == 2, 20, "the report and its repeat")
    request = place.webhook.of(run_id)[-1]
    assert verified(request)["type"] == "run.error"
    data = {"runId": run_id, "projectId": prompt, "error": "I will not.", "code": "refused"}
    assert verified(request)["data"] == data
    assert {each.headers["webhook-id"] for each in place.webhook.of(run_id)} == {f"{run_id}-webhook"}
    assert not place.convex.requests


def test_of_a_run_that_was_cancelled_the_webhook_is_told_once(
    direct: Place, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("cancelled"), gate)
    run_id = start_run(direct.service, projectId=prompt, value=prompt)
    gate.wait_until_asked()
    for _ in range(2):
        direct.service.http.post(f"/agent/run/{run_id}/cancel").raise_for_status()
    wait_until(lambda: direct.webhook.of(run_id), 20, "the report")
    direct.service.http.post(f"/agent/run/{run_id}/cancel").raise_for_status()

    refused = model_server.script(unique("refused"), llm.says("I will not.", stop="refusal"))
    last = run_to_end(direct.service, projectId=refused, value=refused)[-1]["runId"]
    wait_until(lambda: direct.webhook.of(last), 20, "the report after it")
    [request] = direct.webhook.of(run_id)
    assert verified(request)["data"]["code"] == "cancelled"


def test_no_key_is_written_anywhere(direct: Place, prompt: str) -> None:
    direct.webhook.script(answers(410, SECRET))
    direct.convex.script(answers(560, {"status": "error", "errorMessage": f"bad key {DEPLOY_KEY}"}))
    events = run_to_end(direct.service, projectId=prompt, value=prompt)
    assert "bad key [redacted]" in events[-1]["data"]["deliveries"][0]["reason"]
    seen = json.dumps(events) + direct.log.read_text()
    assert SECRET.removeprefix("whsec_") not in seen and DEPLOY_KEY not in seen
    assert direct.webhook.url not in seen, "an address may hold a key"


def test_a_process_that_dies_before_it_knows_sends_it_again_under_the_same_key(place: Place, prompt: str) -> None:
    """The receiver has it, the service cannot know."""
    place.webhook.script(hangs, TAKEN)
    run_id = start_run(place.service, projectId=prompt, value=prompt)
    wait_until(lambda: place.webhook.requests, 20, "the letter")
    place.service.kill_worker()
    events = events_of(place.service, run_id)
    assert_whole(events)
    assert events[-1]["data"]["deliveries"][1] == {"to": "webhook", "delivered": True}
    assert [request.headers["webhook-id"] for request in place.webhook.requests] == [f"{run_id}-webhook"] * 2
    assert len(place.convex.requests) == 1
