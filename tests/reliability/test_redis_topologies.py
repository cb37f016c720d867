"""Redis as people run it: a Cluster, Sentinels, a managed failover, and one that would evict runs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from lab.inngest import InngestExecutor
from lab.model_server import Gate, ModelServer
from lab.redis_topologies import Replicated, redis_cluster
from lab.service import Service
from lab.sse import assert_whole, events_of, follow, run_to_end, sse_events, start_run
from lab.tcp_proxy import TcpProxy
from tests.conftest import StartService
from tests.reliability.scripts import DONE, writes
from tests.service.test_tail import tail
from tools.processes import StartError, wait_until
from tools.redis_server import RedisServer

READY_SECONDS = 15.0

ENOUGH_RUNS = 40
"""A run's slot is as good as random: that one of three nodes gets none of 40 runs happens once in millions of times."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def cluster_service(
    cluster: list[RedisServer], model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_OFFLINE_DELAY": "0"} | model_server.environment()
    with Service(cluster[0].url, tmp_path_factory.mktemp("service"), workers=2, env=env) as running:
        yield running


def test_runs_are_spread_over_a_cluster_and_whole(
    cluster: list[RedisServer], cluster_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """A plain client met MovedError with every run whose slot is another node's."""
    for _ in range(ENOUGH_RUNS):
        prompt = model_server.script(unique("spread"), writes("a.txt", "a"), DONE)
        events = run_to_end(cluster_service, value=prompt)
        assert_whole(events)
        assert events[-1]["type"] == "complete"
        assert events_of(cluster_service, events[0]["runId"], after=5) == events[5:]
        if all(_has_runs(node) for node in cluster):
            break
    else:
        pytest.fail("a node holds none of the runs")


def _has_runs(node: RedisServer) -> bool:
    with redis.Redis(port=node.port) as client:
        return next(client.scan_iter(match="agent:{*}:log", count=1000), None) is not None


def test_on_a_cluster_the_same_key_is_the_same_run(cluster_service: Service, unique: Callable[[str], str]) -> None:
    headers = {"Idempotency-Key": unique("key"), "Accept": "application/json"}
    body = {"projectId": "p1", "value": "a tip calculator", "model": "offline"}
    first, second = (cluster_service.http.post("/agent/run", json=body, headers=headers) for _ in range(2))
    assert first.json()["runId"] == second.json()["runId"]


def test_on_a_cluster_a_run_is_cancelled_and_polled(
    cluster_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    prompt = model_server.script(unique("cancel"), gate, DONE)
    run_id = start_run(cluster_service, value=prompt)
    gate.wait_until_asked()
    assert cluster_service.http.post(f"/agent/run/{run_id}/cancel").json()["status"] == "cancelled"
    page = cluster_service.http.get(f"/agent/run/{run_id}/poll", params={"wait": 10}).json()
    assert page["done"] and page["events"][-1]["code"] == "cancelled"


def test_on_a_cluster_a_killed_worker_loses_nothing(
    cluster_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("kill"), writes("a.txt", "a"), DONE)
    run_id = start_run(cluster_service, projectId=prompt, value=prompt)
    cluster_service.kill_workers()
    events = events_of(cluster_service, run_id)
    assert_whole(events)
    assert events[-1]["data"]["files"] == {"a.txt": "a"}


def test_on_a_cluster_a_run_is_listed_forked_and_removed(
    cluster_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("fork"), writes("a.txt", "a"), DONE)
    source = run_to_end(cluster_service, projectId=prompt, value=prompt)[0]["runId"]
    for _ in range(3):  # two runs lie on two nodes, or on one
        made = cluster_service.http.post(f"/agent/run/{source}/fork", json={"step": "model-2"})
        assert made.status_code == 202, made.text
        events = events_of(cluster_service, made.json()["runId"])
        assert_whole(events)
        assert events[-1]["data"]["files"] == {"a.txt": "a"}
    assert cluster_service.http.delete(f"/agent/run/{source}").status_code == 204
    listed = cluster_service.http.get("/agent/runs", params={"projectId": prompt}).json()["runs"]
    assert [run["origin"]["runId"] for run in listed] == [source] * 3


def test_a_cluster_can_be_tailed_and_is_ready(cluster_service: Service) -> None:
    run_id = run_to_end(cluster_service, model="offline")[0]["runId"]
    seen = tail(cluster_service, run_id, "--json")
    assert seen.returncode == 0, seen.stderr
    assert cluster_service.http.get("/readyz").json()["redis"] == "ok"


@pytest.mark.slow
def test_inngest_runs_on_a_cluster(
    cluster: list[RedisServer], executor: InngestExecutor, model_server: ModelServer, tmp_path: Path
) -> None:
    env = {"AGENT_ENGINE": "inngest", "AGENT_OFFLINE_DELAY": "0"}
    env |= executor.environment() | model_server.environment()
    with Service(cluster[1].url, tmp_path, env=env) as service:
        wait_until(lambda: service.http.get("/readyz").is_success, READY_SECONDS, "the service to be registered")
        for _ in range(3):
            events = run_to_end(service, model="offline")
            assert_whole(events)
            assert events[-1]["type"] == "complete"


def test_a_run_goes_on_over_a_failover_by_sentinels(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str], tmp_path: Path
) -> None:
    """The old primary keeps its connections and takes reads: every write failed for ever (address.py)."""
    gate = Gate()
    prompt = model_server.script(unique("failover"), writes("a.txt", "a"), gate, DONE)
    with Replicated(tmp_path, sentinel=True) as servers:
        service = start_service(workers=2, redis_url=servers.url, **model_server.environment())
        run_id = start_run(service, projectId=prompt, value=prompt)
        with follow(service, run_id) as response:
            events = sse_events(response)
            seen = [next(events)]
            gate.wait_until_asked()
            servers.fail_over()
            gate.finish("after the failover")
            seen += events
        assert_whole(seen)
        assert seen[-1]["type"] == "complete"
        assert run_to_end(service, model="offline")[-1]["type"] == "complete"


@pytest.mark.slow
def test_a_provider_that_points_its_name_at_the_new_primary(start_service: StartService, tmp_path: Path) -> None:
    """Connections to the old one stay up; its refusal to write must end them."""
    with Replicated(tmp_path) as servers, TcpProxy(servers.primary.port) as name:
        service = start_service(workers=1, redis_url=f"redis://127.0.0.1:{name.port}/0")
        assert run_to_end(service, model="offline")[-1]["type"] == "complete"
        name.point_to(servers.replica.port)
        servers.fail_over()
        wait_until(lambda: service.http.get("/readyz").is_success, READY_SECONDS, "the service to have moved")
        events = run_to_end(service, model="offline")
        assert_whole(events)
        assert events[-1]["type"] == "complete"


def test_a_redis_that_stays_read_only_is_not_ready(start_service: StartService, tmp_path: Path) -> None:
    with Replicated(tmp_path) as servers:
        service = start_service(workers=1, redis_url=servers.replica.url)
        answer = service.http.get("/readyz")
        assert answer.status_code == 503
        assert "read-only" in answer.json()["details"]["redis"]


PRODUCTION = {
    "INNGEST_DEV": "",
    "AGENT_ENGINE": "direct",
    "SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "AGENT_API_KEYS": "tests:0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize("policy", ["volatile-lru", "allkeys-lru", "volatile-ttl"])
def test_production_refuses_a_redis_that_may_evict_runs(policy: str, tmp_path: Path) -> None:
    """Every key of a run has a time to live, so the volatile policies take runs too. Nobody was told."""
    with RedisServer(tmp_path / "redis", options={"maxmemory-policy": policy}) as server:
        service = Service(server.url, tmp_path / "service", env=PRODUCTION)
        with pytest.raises(StartError) as error:
            service.start()
        service.http.close()
    said = str(error.value)
    assert "runwire cannot start" in said
    assert policy in said and "noeviction" in said and "REDIS_URL" in said


def test_a_development_redis_may_evict_but_it_is_said(start_service: StartService, tmp_path: Path) -> None:
    with RedisServer(tmp_path / "redis", options={"maxmemory-policy": "allkeys-lru"}) as server:
        service = start_service(redis_url=server.url)
        answer = service.http.get("/readyz")
        assert answer.is_success
        assert "allkeys-lru" in answer.json()["redis"]
