"""Ours, complete: gunicorn with one worker, stored events, ids, resume, API keys; its own Redis."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from bench import cores
from bench.peers.contender import clean_environment, get
from bench.publish import STEP, Publisher
from bench.publishers import RunLogPublisher
from orchestrator.events import RunRequested
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from tools.processes import free_port, wait_until
from tools.redis_server import RedisServer
from tools.web_server import WebServer

CALLER, API_KEY = "bench", "a-key-for-the-benchmark-only"


class Runwire:
    name = "runwire"
    first_bytes = True

    def __init__(
        self, folder: Path, *, workers: int = 1, env: Mapping[str, str] | None = None, app: str = "wsgi:app"
    ) -> None:
        self.port = free_port()
        self.redis = RedisServer(folder / f"{self.name}-redis-{self.port}")
        keys = f"{CALLER}:{API_KEY}"
        settings = {"INNGEST_DEV": "1", "AGENT_ENGINE": "direct", "AGENT_API_KEYS": keys, "LOG_LEVEL": "WARNING"}
        settings["AGENT_REQUESTS_PER_MINUTE"] = "10000000"
        self._env = clean_environment() | settings | dict(env or {})
        self._workers, self._log_path, self._app = workers, folder / f"{self.name}.log", app

    def __enter__(self) -> Self:
        self.redis.start()
        env = self._env | {"REDIS_URL": self.redis.url}
        self.web = WebServer(self.port, env, workers=self._workers, log_path=self._log_path, app=self._app)
        self.client = connect(self.redis.url, 4)
        self.log = RunLog(self.client)
        try:
            self.web.start()
        except BaseException:
            self.redis.close()
            raise
        if self._workers == 1:
            cores.pin(cores.SERVER, [self.web.process.pid, *self.pids()])
        return self

    def __exit__(self, *_: object) -> None:
        self.web.kill()
        self.redis.kill()
        self.redis.close()

    def pids(self) -> list[int]:
        return self.web.worker_pids()

    def redis_pids(self) -> list[int]:
        return [self.redis.pid]

    def request(self, run: str, after: int = 0) -> bytes:
        resume = [f"Last-Event-ID: {after}"] if after else []
        return get(f"/agent/run/{run}/events", "Accept: text/event-stream", f"X-API-Key: {API_KEY}", *resume)

    def prepare(self, runs: Sequence[str], engine: str = "direct") -> None:
        for run in runs:
            self.log.create(RunRequested(run_id=run, project_id="bench", value="work"), engine, "accepted", CALLER)
            self.log.begin(run, STEP, 0, "nonce")

    def wait_watched(self, runs: Sequence[str], viewers: int) -> None:
        pass  # the first bytes say so

    def publisher(self) -> Publisher:
        return RunLogPublisher(self.redis.url)

    def settle(self, runs: Sequence[str]) -> None:
        """End the runs, so that their streams end too, and forget them."""
        for run in runs:
            self.log.complete(run, {})
        wait_until(lambda: not self.client.pubsub_channels("agent:*"), 20.0, "the streams to end")
        self.client.flushall()
