"""Services that several of these tests share; each leaves them as it found them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from lab.approvals import APPROVE
from lab.inngest import InngestExecutor
from lab.model_server import ModelServer
from lab.service import Service
from orchestrator.events import RunRequested
from orchestrator.runlog import RunLog
from tests.conftest import next_database
from tests.reliability.scripts import Marks
from tools.redis_server import RedisServer

FUNCTION = "runwire-code-agent-run"
ROUGH = {
    "AGENT_SANDBOX": "unsafe-local",  # commands may leave marks outside their workspace
    "SSE_KEEPALIVE": "0.2",
    **APPROVE,
}


@pytest.fixture
def marks(tmp_path: Path) -> Marks:
    return Marks(tmp_path)


@pytest.fixture(scope="package")
def rough_service(
    redis_server: RedisServer, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Two workers with the direct engine and the scripted model."""
    folder = tmp_path_factory.mktemp("rough")
    env = (
        ROUGH | {"AGENT_ENGINE": "direct", "AGENT_SANDBOX_DIR": str(folder / "sandboxes")} | model_server.environment()
    )
    with Service(next_database(redis_server), folder, workers=2, env=env) as running:
        yield running


@pytest.fixture(scope="package")
def rough_executor() -> Iterator[InngestExecutor]:
    """Shared: name the run in every fault."""
    with InngestExecutor(retry_delay=0.05, minimum_retry_after=0.05) as running:
        yield running


@pytest.fixture(scope="package")
def rough_inngest_service(
    rough_executor: InngestExecutor,
    redis_server: RedisServer,
    model_server: ModelServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """Like `rough_service`, with the executor as its engine and a sweep that soon looks after runs."""
    folder = tmp_path_factory.mktemp("rough-inngest")
    env = ROUGH | {"AGENT_ENGINE": "inngest", "AGENT_SANDBOX_DIR": str(folder / "sandboxes")}
    env |= {"AGENT_STALL_SECONDS": "2"} | rough_executor.environment() | model_server.environment()
    with Service(next_database(redis_server), folder, workers=2, env=env) as running:
        rough_executor.wait_for_function(FUNCTION)
        yield running


@pytest.fixture(params=["direct", "inngest"])
def either_service(request: pytest.FixtureRequest) -> Service:
    """The test runs with each engine."""
    name = "rough_service" if request.param == "direct" else "rough_inngest_service"
    service: Service = request.getfixturevalue(name)
    return service


@pytest.fixture(scope="package")
def breakable_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that may be broken: it loses nothing over a crash. Leave it running and as it was."""
    with RedisServer(tmp_path_factory.mktemp("redis"), aof=True, fsync="always") as server:
        yield server


@pytest.fixture(scope="package")
def breakable_service(
    breakable_redis: RedisServer, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service on the Redis that may be broken."""
    folder = tmp_path_factory.mktemp("breakable")
    env = (
        ROUGH | {"AGENT_ENGINE": "direct", "AGENT_SANDBOX_DIR": str(folder / "sandboxes")} | model_server.environment()
    )
    with Service(breakable_redis.url, folder, workers=2, env=env) as running:
        yield running


@pytest.fixture
def run_log(redis_url: str) -> Iterator[RunLog]:
    """The run log alone, without a service, on a database of its own."""
    with redis.Redis.from_url(redis_url) as client:
        yield RunLog(client)


@pytest.fixture
def new_run(run_log: RunLog, unique: Callable[[str], str]) -> str:
    """The id of a run that `run_log` has just stored."""
    request = RunRequested(run_id=unique("run"), project_id="tests", value="something")
    run_log.create(request, "direct", "Accepted")
    return request.run_id
