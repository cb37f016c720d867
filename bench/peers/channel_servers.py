"""The two usual Python answers: a Redis connection and a loop for each viewer, under gevent and under asyncio."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from bench.peers.contender import Process, get, wait_subscribed, wait_unsubscribed
from bench.publish import Publisher
from bench.publishers import ChannelPublisher, FlaskSsePublisher
from tools.processes import free_port
from tools.redis_server import RedisServer

SETTLE_SECONDS = 10.0
GUNICORN = "gunicorn bench.peers.flask_sse_app:app -c bench/peers/plain_gunicorn.py --bind 127.0.0.1:{port}"
UVICORN = (
    "uvicorn bench.peers.starlette_sse_app:app --host 127.0.0.1 --port {port} --loop uvloop --http httptools"
    " --backlog 4096 --log-level warning --no-access-log"
)


class ChannelServer:
    """Streams a Redis channel; has a Redis of its own."""

    def __init__(
        self,
        folder: Path,
        name: str,
        command: str,
        path: str,
        publisher: Callable[[int], Publisher],
        *,
        first_bytes: bool,
    ) -> None:
        self.name, self.first_bytes, self.port = name, first_bytes, free_port()
        self._redis = RedisServer(folder / f"{name}-redis-{self.port}")
        self._command = [sys.executable, "-m", *command.format(port=self.port).split()]
        self._path, self._publisher, self._log_path = path, publisher, folder / f"{name}.log"

    def __enter__(self) -> Self:
        self._redis.start()
        try:
            self._process = Process(self._command, self.port, {"REDIS_URL": self._redis.url}, self._log_path)
        except BaseException:
            self._redis.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
        self._redis.kill()
        self._redis.close()

    def pids(self) -> list[int]:
        return self._process.pids()

    def redis_pids(self) -> list[int]:
        return [self._redis.pid]

    def request(self, run: str, after: int = 0) -> bytes:
        return get(self._path.format(run=run))

    def prepare(self, runs: Sequence[str]) -> None:
        pass

    def wait_watched(self, runs: Sequence[str], viewers: int) -> None:
        wait_subscribed(self._redis.url, runs, viewers)

    def publisher(self) -> Publisher:
        return self._publisher(self._redis.port)

    def settle(self, runs: Sequence[str]) -> None:
        wait_unsubscribed(self._redis.url, runs, SETTLE_SECONDS)


def flask_sse(folder: Path) -> ChannelServer:
    """The flask-sse package as documented, under gunicorn's gevent worker. It sends no bytes before the first event."""
    path = "/stream?channel=agent:{run}"
    return ChannelServer(folder, "flask-sse", GUNICORN, path, FlaskSsePublisher, first_bytes=False)


def starlette_sse(folder: Path) -> ChannelServer:
    """Starlette, sse-starlette and redis.asyncio under uvicorn with uvloop and httptools."""
    return ChannelServer(folder, "sse-starlette", UVICORN, "/stream/{run}", ChannelPublisher, first_bytes=True)
