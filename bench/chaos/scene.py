"""The service with all that it stands on: an own Redis that loses nothing it has acknowledged, two workers, Inngest."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lab.inngest import InngestExecutor
from lab.service import Service
from tools.redis_server import RedisServer

Engine = Literal["direct", "inngest", "failover"]
WORKERS = 2
FUNCTION_ID = "runwire-code-agent-run"
INNGEST_RETRY_SECONDS = 0.3  # the real server takes longer; a short delay leaves more time for faults
SETTINGS = {
    "AGENT_OFFLINE_DELAY": "0.05",  # seconds between two words: a run then lasts some seconds
    "AGENT_RUN_TIMEOUT": "600",
    "AGENT_MAX_ACTIVE_RUNS": "10000",
    "AGENT_REQUESTS_PER_MINUTE": "10000000",
    "SSE_KEEPALIVE": "1",
    "LOG_FORMAT": "json",  # steps_run_again reads it
}


@dataclass(frozen=True)
class Scene:
    engine: Engine
    redis: RedisServer
    service: Service
    inngest: InngestExecutor | None


@contextmanager
def scene(engine: Engine, folder: Path, app: str = "wsgi:app") -> Iterator[Scene]:
    """Everything started, and gone afterwards. Processes die with the thread that calls this."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer(folder / "redis", aof=True, fsync="always"))
        env = SETTINGS | {"AGENT_ENGINE": engine, "AGENT_SANDBOX_DIR": str(folder / "sandboxes")}
        inngest = None
        if engine == "inngest":
            inngest = stack.enter_context(
                InngestExecutor(retry_delay=INNGEST_RETRY_SECONDS, minimum_retry_after=INNGEST_RETRY_SECONDS)
            )
            env |= inngest.environment()
        service = stack.enter_context(Service(redis.url, folder / "service", workers=WORKERS, env=env, app=app))
        if inngest:
            inngest.wait_for_function(FUNCTION_ID)
        yield Scene(engine, redis, service, inngest)
