"""While Redis is away every call is answered, soon; when it is back, so is everything else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import httpx
import pytest

from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import Event, assert_whole, legacy_events, post_run, run_to_end
from tools.processes import wait_until
from tools.redis_server import RedisServer

ANSWER_SECONDS = 3.0  # the promise; the client gives up after it
GOOD = {"projectId": "p1", "value": "a tip calculator"}


@contextmanager
def killed(redis_server: RedisServer) -> Iterator[None]:
    redis_server.kill()
    yield
    redis_server.start()


def call(service: Service, what: tuple[str, str]) -> httpx.Response:
    method, path = what
    body = GOOD if path.endswith("agent/run") else None
    return service.http.request(method, path, json=body, timeout=ANSWER_SECONDS)


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis to be broken, which forgets nothing."""
    with RedisServer(tmp_path_factory.mktemp("redis"), aof=True, fsync="always") as server:
        yield server


@pytest.fixture(scope="module")
def its_service(
    own_server: RedisServer, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_OFFLINE_DELAY": "0"} | model_server.environment()
    with Service(own_server.url, tmp_path_factory.mktemp("service"), env=env) as running:
        yield running


@pytest.mark.parametrize("away", [killed, RedisServer.paused], ids=["killed", "hanging"])
def test_calls_are_answered_with_503_and_work_again_later(
    away: Callable[[RedisServer], AbstractContextManager[None]], own_server: RedisServer, its_service: Service
) -> None:
    run_id = run_to_end(its_service, model="offline")[0]["runId"]
    run = f"/agent/run/{run_id}"
    calls = [
        ("POST", "/agent/run"),
        ("POST", "/api/agent/run"),
        ("GET", run),
        ("GET", f"{run}/events"),
        ("GET", f"{run}/poll?wait=30"),
        ("POST", f"{run}/cancel"),
    ]
    with away(own_server):
        with ThreadPoolExecutor() as pool:
            for response in pool.map(partial(call, its_service), calls):
                assert (response.status_code, response.json()) == (503, {"error": "Redis does not answer"})
                assert int(response.headers["retry-after"]) > 0
        assert its_service.http.get("/healthz", timeout=ANSWER_SECONDS).status_code == 200
        ready = its_service.http.get("/readyz", timeout=ANSWER_SECONDS)
        assert ready.status_code == 503
        assert ready.json()["details"]["redis"].startswith("does not answer")
        assert int(ready.headers["retry-after"]) > 0

    wait_until(lambda: its_service.http.get("/readyz").status_code == 200, 15, "the service to be ready again")
    assert its_service.http.get(run).json()["status"] == "complete"
    assert_whole(run_to_end(its_service, model="offline"))


def test_an_open_stream_goes_on_when_redis_is_back(
    own_server: RedisServer, its_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    with post_run(its_service, value=model_server.script(unique("outage"), gate)) as response:
        events = legacy_events(response)
        gate.say("before ")
        seen: list[Event] = []
        while not seen or seen[-1]["type"] != "text":
            seen.append(next(events))
        with killed(own_server):
            gate.say("during ")
        gate.finish("after")
        seen += events
    assert_whole(seen)
    assert "".join(event["data"] for event in seen if event["type"] == "text") == "before during after"
