"""The Inngest servers of these scenarios, each with one service, shared by all files.

A scenario that takes `inngest_service` runs against the executor and, with `pytest -m inngest`, a real server. One that
takes `executor_service` needs what only the executor offers: faults, and a look at each call.
"""

from collections.abc import Iterator

import pytest

from lab.approvals import APPROVE
from lab.inngest import InngestExecutor, InngestServer, RealInngest
from lab.model_server import ModelServer
from lab.service import Service
from tests.conftest import next_database
from tools.redis_server import RedisServer


@pytest.fixture(scope="session")
def shared_executor() -> Iterator[InngestExecutor]:
    """Waits no longer before a retry than the service asks for."""
    with InngestExecutor(retry_delay=0.1, minimum_retry_after=0.0) as executor:
        yield executor


@pytest.fixture(scope="session")
def executor_service(
    shared_executor: InngestExecutor,
    model_server: ModelServer,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    with _service(shared_executor, model_server, redis_server, tmp_path_factory) as running:
        shared_executor.wait_for_function("runwire-code-agent-run")
        yield running


@pytest.fixture(scope="session", params=["executor", pytest.param("real", marks=pytest.mark.inngest)])
def inngest_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InngestServer]:
    if request.param == "executor":
        yield request.getfixturevalue("shared_executor")
    else:
        with RealInngest.from_environment(tmp_path_factory.mktemp("inngest")) as real:
            yield real


@pytest.fixture(scope="session")
def inngest_service(
    inngest_server: InngestServer,
    request: pytest.FixtureRequest,
    model_server: ModelServer,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    if isinstance(inngest_server, InngestExecutor):
        yield request.getfixturevalue("executor_service")
        return
    with _service(inngest_server, model_server, redis_server, tmp_path_factory) as running:
        inngest_server.wait_for_function("runwire-code-agent-run")
        yield running


def _service(
    server: InngestServer, model: ModelServer, redis_server: RedisServer, folders: pytest.TempPathFactory
) -> Service:
    env = {"AGENT_ENGINE": "inngest", "AGENT_OFFLINE_DELAY": "0"} | APPROVE | server.environment() | model.environment()
    return Service(next_database(redis_server), folders.mktemp("service"), workers=2, env=env)
