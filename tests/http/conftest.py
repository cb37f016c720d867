"""Services that these tests share, and a look at everything that Redis holds."""

from collections.abc import Iterator

import pytest
import redis

from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import Event, run_to_end
from tests.conftest import next_database
from tests.http.callers import KEYS
from tests.http.previews import FILES, ORIGIN, Previewed, run
from tools.processes import wait_until
from tools.redis_server import RedisServer

LEASES = ("agent:watch:", "agent:inngest:", "agent:requests:")  # come and go by themselves


@pytest.fixture(scope="package")
def strict_service(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with small limits, for tests that send it what it must not take."""
    env = {"AGENT_ENGINE": "direct", "AGENT_MAX_VALUE_CHARS": "50", "AGENT_MAX_BODY_BYTES": "2000"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=1, env=env) as running:
        yield running


@pytest.fixture(scope="package")
def finished_run(strict_service: Service) -> tuple[str, int]:
    """The id of a run of `strict_service` that is complete, and of its last event."""
    last = run_to_end(strict_service, model="offline")[-1]
    wait_until(lambda: _is_at_rest(strict_service), 20, "all to be written that follows a run's end")
    return last["runId"], last["id"]


@pytest.fixture(scope="package")
def finished(service: Service) -> list[Event]:
    """All events of a run of `service` that is complete."""
    return run_to_end(service, projectId="finished", model="offline")


@pytest.fixture(scope="package")
def preview_service(
    model_server: ModelServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service with two callers, the scripted model, and previews at ORIGIN."""
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_PREVIEW_ORIGIN": ORIGIN}
    env |= model_server.environment()
    folder = tmp_path_factory.mktemp("service")
    with Service(next_database(redis_server), folder, workers=1, env=env) as running:
        yield running


@pytest.fixture(scope="package")
def previewed(preview_service: Service, model_server: ModelServer) -> Previewed:
    """A run of `preview_service` that is complete and has made FILES."""
    links = "ln -s ../next.config.mjs out/linked.mjs; printf '\\0asm' > out/app.wasm"
    run_id, url = run(preview_service, model_server, "preview/pages", FILES, links)
    assert url is not None
    return Previewed(preview_service, run_id, "preview/pages", url)


@pytest.fixture
def changes_nothing(strict_service: Service, finished_run: tuple[str, int]) -> Iterator[None]:
    """Fails the test if it left any trace in the Redis of `strict_service`."""
    before = contents(strict_service)
    yield
    assert contents(strict_service) == before


def contents(service: Service) -> dict[str, object]:
    """Every key of the service's Redis database with its whole value, as Redis would save it."""
    with redis.Redis.from_url(service.env["REDIS_URL"]) as client:
        names = [key.decode() for key in client.scan_iter(count=1000)]
        return {name: client.dump(name) for name in sorted(names) if not name.startswith(LEASES)}


def _is_at_rest(service: Service) -> bool:
    """Just after its viewers have read the end, a run leaves its queue and counts in what its project takes."""
    kinds = {name.rpartition(":")[2] for name in contents(service) if name.startswith("agent:project:")}
    return "runs" not in kinds and "bytes" in kinds
