"""The service as tests use it: a real gunicorn on a free port, with an environment that holds only what is meant."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from tools.processes import free_port, wait_until
from tools.web_server import WebServer, python_path

CLIENT_TIMEOUT = httpx.Timeout(30.0)  # no test waits longer for a single byte
RESPAWN_SECONDS = 15.0
MEASURED = "COVERAGE_PROCESS_CONFIG"  # set under `make coverage`; a process that is killed cannot write what it ran


class Service:
    """A running service; `http` is a client for its URL. Use as a context manager or through the fixtures."""

    def __init__(
        self,
        redis_url: str,
        folder: Path,
        *,
        workers: int = 1,
        env: Mapping[str, str],
        port: int | None = None,
        app: str = "wsgi:app",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.env = (
            minimal_environment(folder)
            | {"REDIS_URL": redis_url, "INNGEST_DEV": "1", "INNGEST_APP_ID": "runwire"}
            | dict(env)
        )
        self._web = WebServer(port or free_port(), self.env, workers=workers, log_path=folder / "service.log", app=app)
        self.http = httpx.Client(base_url=self.url, timeout=CLIENT_TIMEOUT, trust_env=False)

    @property
    def url(self) -> str:
        return self._web.url

    @property
    def port(self) -> int:
        return self._web.port

    def start(self) -> Self:
        self._web.start()
        return self

    def stop(self) -> int:
        """SIGTERM, as a platform does on every deploy; returns gunicorn's exit code."""
        return self._web.stop()

    def kill(self) -> None:
        """`kill -9` of the master and all workers, as when a machine is lost."""
        self._web.kill()

    def restart(self) -> None:
        """Come back on the same port, with the same environment."""
        self._web.start()

    def terminate(self) -> None:
        """Send SIGTERM and do not wait."""
        self._web.process.terminate()

    def reload(self) -> None:
        """SIGHUP: new workers begin while the old ones drain. Does not wait."""
        self._web.process.send_signal(signal.SIGHUP)

    def is_alive(self) -> bool:
        return self._web.is_alive()

    def worker_pids(self) -> list[int]:
        return self._web.worker_pids()

    def kill_worker(self, index: int = 0) -> int:
        """`kill -9` one worker, wait for gunicorn to replace it, and return the pid that is gone."""
        before = self.worker_pids()
        pid = before[index]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self._has_replaced(pid, len(before)), RESPAWN_SECONDS, f"worker {pid} to be replaced")
        return pid

    def kill_workers(self) -> None:
        """`kill -9` every worker that is there now."""
        for pid in self.worker_pids():
            self.kill_worker(self.worker_pids().index(pid))

    def log(self) -> str:
        return self._web.log()

    def log_lines(self) -> list[dict[str, Any]]:
        """With LOG_FORMAT=json; what is no object is not ours (Python's own complaints, a crash)."""
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def close(self) -> None:
        """Killed: what a service does when it is told to stop has tests of its own, and takes seconds."""
        self.http.close()
        if MEASURED in os.environ:
            self._web.stop()
        self._web.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _has_replaced(self, pid: int, count: int) -> bool:
        now = self.worker_pids()
        return pid not in now and len(now) == count


def has(lines: list[dict[str, Any]], **fields: Any) -> bool:
    """Whether one of the lines says all of that."""
    return any(fields.items() <= line.items() for line in lines)


def minimal_environment(home: Path) -> dict[str, str]:
    """What a process needs to run at all, and nothing of the developer's settings or keys."""
    coverage = {MEASURED: os.environ[MEASURED]} if MEASURED in os.environ else {}
    return {"PATH": python_path(), "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"} | coverage
