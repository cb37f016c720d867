"""Everything one needs to run Runwire on one machine: Redis (an own one, if none is given) and the web server."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from dotenv import dotenv_values

from tools.processes import StartError, port_is_free
from tools.redis_server import RedisServer
from tools.web_server import ROOT, WebServer

STATE_DIRECTORY = ROOT / ".runwire"
PRODUCTION_KEYS = ("INNGEST_EVENT_KEY", "INNGEST_SIGNING_KEY")


class Stack:
    """Starts Redis, then gunicorn; stops them in the opposite order.

    With `redis_directory` an own Redis keeps its data there, so that runs survive a restart of the stack.
    """

    def __init__(
        self,
        port: int,
        env: dict[str, str],
        *,
        redis_directory: Path | None = None,
        log_path: Path | None = None,
        app: str = "wsgi:app",
    ) -> None:
        if not port_is_free(port):
            raise StartError(f"port {port} is taken by another program: stop that, or choose another with PORT=…")
        env = dict(env)
        own = not env.get("REDIS_URL")
        self.redis = RedisServer(redis_directory, aof=redis_directory is not None) if own else None
        if self.redis:
            env["REDIS_URL"] = self.redis.url
        self.redis_url = env["REDIS_URL"]
        self.web = WebServer(port, env, log_path=log_path, app=app)

    def __enter__(self) -> Self:
        if self.redis:
            self.redis.start()
        try:
            self.web.start()
        except BaseException:
            self._stop_redis()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.web.stop()
        finally:
            self._stop_redis()

    def failure(self) -> str | None:
        """What ended without being asked to, or None while all is well."""
        if not self.web.is_alive():
            return f"the web server ended by itself with exit code {self.web.process.returncode}"
        if self.redis and not self.redis.is_alive():
            return f"Redis ended by itself; see {self.redis.log_path}"
        return None

    def _stop_redis(self) -> None:
        if self.redis:
            self.redis.close()


def environment() -> dict[str, str]:
    """Our environment over `.env`; with Inngest in development mode unless there are keys for production.

    What is empty is not set, as for the settings: gunicorn would fail over an empty WEB_CONCURRENCY.
    """
    settings = {name: value for name, value in dotenv_values(ROOT / ".env").items() if value is not None}
    env = {name: value for name, value in {**settings, **os.environ}.items() if value}
    if not _has_production_keys(env):
        env.setdefault("INNGEST_DEV", "1")
    return env


def _has_production_keys(env: Mapping[str, str]) -> bool:
    return all(env.get(name) for name in PRODUCTION_KEYS)
