"""The services that are shot at: one in development, one in production with all its keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.inngest import InngestExecutor
from lab.service import Service
from tests.fuzz.shots import Target
from tools.processes import free_port

API_KEY = "0123456789abcdef0123456789abcdef"
SIGNING_KEY = "signkey-test-0123456789abcdef0123456789abcdef"
LIMITS = {"AGENT_OFFLINE_DELAY": "0", "AGENT_MAX_ACTIVE_RUNS": "20", "AGENT_DIRECT_RUNS": "2"}
LIMITS["AGENT_REQUESTS_PER_MINUTE"] = "1000000"
"""Some shots are good requests; the runs that they start are not what is looked at."""


@contextmanager
def development(redis_url: str, folder: Path) -> Iterator[tuple[Service, Target]]:
    with InngestExecutor() as inngest:
        env = LIMITS | {"AGENT_ENGINE": "auto"} | inngest.environment()
        with Service(redis_url, folder, workers=2, env=env) as service:
            yield service, Target(service.port)


@contextmanager
def production(redis_url: str, folder: Path) -> Iterator[tuple[Service, Target]]:
    port = free_port()
    with InngestExecutor(signing_key=SIGNING_KEY) as inngest:
        env = LIMITS | {
            "INNGEST_DEV": "0",
            "INNGEST_BASE_URL": inngest.base_url,
            "INNGEST_EVENT_KEY": "test-event-key",
            "INNGEST_SIGNING_KEY": SIGNING_KEY,
            "INNGEST_APP_URL": f"http://127.0.0.1:{port}",
            "SECRET_KEY": "0123456789abcdef0123456789abcdef",
            "AGENT_API_KEYS": f"fuzz:{API_KEY}",
        }
        with Service(redis_url, folder, workers=2, env=env, port=port) as service:
            yield service, Target(port, API_KEY, SIGNING_KEY)
