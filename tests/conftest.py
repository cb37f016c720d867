"""Fixtures: everything real and of our own, on free ports, and gone afterwards. A missing program fails the suite."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import pytest
import redis

from lab.approvals import APPROVE
from lab.browser import Browser
from lab.inngest import InngestExecutor, InngestServer, RealInngest
from lab.model_server import ModelServer, serving_models
from lab.service import Service
from tests.fast import is_fast
from tools.redis_server import DATABASES, RedisServer

TESTS = Path(__file__).parent
UNJAILED = {"AGENT_SANDBOX": "unsafe-local"}
"""For services whose tests look at streams and answers: a jail doubles what a run of the demonstration takes."""
_databases = itertools.count(1)
_deselected = pytest.StashKey[int]()


class StartService(Protocol):
    def __call__(self, *, workers: int = 1, redis_url: str | None = None, **env: str) -> Service: ...


# Redis


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One Redis for the whole suite. Do not stop it; to break one, use `own_redis`."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """A database that no other test uses. (Channels are shared by all databases: use own run ids.)"""
    return next_database(redis_server)


@pytest.fixture
def redis_client(redis_url: str) -> Iterator["redis.Redis"]:
    """A client on the test's database that returns strings."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for this test alone, which loses nothing over a restart (AOF, every write synced)."""
    with RedisServer(tmp_path / "redis", aof=True, fsync="always") as server:
        yield server


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Makes ids that no other test has: unique("run") → "run_1f0c…"."""
    return lambda prefix: f"{prefix}_{uuid4().hex[:12]}"


# Services


@pytest.fixture(scope="session")
def service(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with the direct engine and two workers, shared by all tests that do it no harm."""
    folder = tmp_path_factory.mktemp("service")
    env = {"AGENT_ENGINE": "direct", "AGENT_OFFLINE_DELAY": "0"} | UNJAILED
    with Service(next_database(redis_server), folder, workers=2, env=env) as running:
        yield running


@pytest.fixture(scope="session")
def model_server() -> Iterator[ModelServer]:
    """The scripted model of all services that tests start with `model_server.environment()`."""
    with serving_models() as server:
        yield server


@pytest.fixture(scope="session")
def scripted_service(
    model_server: ModelServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Like `service`, but `auto` is the scripted model, and silent streams speak often."""
    env = {"AGENT_ENGINE": "direct", "SSE_KEEPALIVE": "0.3", "AGENT_OFFLINE_DELAY": "0"} | APPROVE
    env |= model_server.environment()
    folder = tmp_path_factory.mktemp("service")
    with Service(next_database(redis_server), folder, workers=2, env=env) as running:
        yield running


@pytest.fixture
def start_service(redis_url: str, tmp_path: Path) -> Iterator[StartService]:
    """Starts services for this test alone: start_service(workers=2, AGENT_ENGINE="direct"). Same Redis database."""
    with ExitStack() as stack:
        numbers = itertools.count(1)

        def start(*, workers: int = 1, redis_url: str | None = redis_url, **env: str) -> Service:
            folder = tmp_path / f"service-{next(numbers)}"
            env = {"AGENT_ENGINE": "direct"} | env
            return stack.enter_context(Service(redis_url or "", folder, workers=workers, env=env))

        yield start


# Inngest


@pytest.fixture
def executor() -> Iterator[InngestExecutor]:
    """An Inngest executor for this test alone, with short retries and injectable faults."""
    with InngestExecutor(retry_delay=0.05, minimum_retry_after=0.05) as running:
        yield running


@pytest.fixture(scope="module", params=["executor", pytest.param("real", marks=pytest.mark.inngest)])
def inngest_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InngestServer]:
    """The executor; with `pytest -m inngest` the real server. Use only what `InngestServer` offers."""
    if request.param == "executor":
        with InngestExecutor() as executor:
            yield executor
    else:
        with RealInngest.from_environment(tmp_path_factory.mktemp("inngest")) as real:
            yield real


@pytest.fixture(scope="module")
def inngest_service(
    inngest_server: InngestServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service whose runs go through `inngest_server`."""
    env = {"AGENT_ENGINE": "inngest"} | inngest_server.environment()
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=2, env=env) as running:
        inngest_server.wait_for_function("runwire-code-agent-run")
        yield running


# Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; mark the tests that use it with `browser`."""
    with Browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


def next_database(server: RedisServer) -> str:
    return server.database_url(next(_databases) % DATABASES)


# What waits longest comes first, so that something is left to do beside it; the quick ones fill the end.
# Scenarios against a real Inngest server run only when asked for, and a run without them says so.

LONG_FIRST = ("reliability", "escape", "traces", "http", "console", "service", "inngest_runs", "destinations", "jail")


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0]
    return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=_place)
    for item in filter(is_fast, items):
        item.add_marker("fast")
    for mark in ("npm", "slow"):
        if mark not in (config.option.markexpr or ""):
            items[:] = [item for item in items if not item.get_closest_marker(mark)]
    if "inngest" in (config.option.markexpr or ""):
        return
    real = [item for item in items if item.get_closest_marker("inngest")]
    if real:
        items[:] = [item for item in items if item not in real]
        config.hook.pytest_deselected(items=real)
    config.stash[_deselected] = len(real)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if count := config.stash.get(_deselected, 0):
        terminalreporter.write_line(
            f"{count} scenarios ran against the executor only; with a real Inngest server: "
            "INNGEST_CLI=/path/to/inngest pytest -m inngest"
        )
