"""The service as a process: gunicorn serving `wsgi:app` (or another app), started, watched and stopped."""

import http.client
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from tools.processes import StartError, bound_to_parent, kill_group, stop, wait_until

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
DRAIN_SECONDS = 25.0  # the service promises to be gone by then; after that it is killed


class WebServer:
    """One gunicorn with its workers, on 127.0.0.1:`port`; its output goes to `log_path`, else to the terminal."""

    def __init__(
        self,
        port: int,
        env: Mapping[str, str],
        *,
        workers: int | None = None,
        log_path: Path | None = None,
        app: str = "wsgi:app",
    ) -> None:
        self._app = app
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log_path = log_path
        self._env = {**env, "PORT": str(port)}
        self._workers = ["--workers", str(workers)] if workers else []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("this web server was never started")
        return self._process

    def start(self) -> Self:
        command = [sys.executable, "-m", "gunicorn", self._app, "-c", "gunicorn.conf.py", *self._workers]
        output = self._open_log()
        try:
            # A session of its own: Ctrl-C reaches only us, and we stop things in order.
            self._process = subprocess.Popen(
                bound_to_parent(command),
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            if output:
                output.close()
        try:
            wait_until(self._answers, START_SECONDS, f"{self.url}/healthz to answer 200{self._log_hint()}")
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> int:
        """Drain (SIGTERM), then make sure that nothing is left; returns gunicorn's exit code."""
        try:
            return stop(self.process, DRAIN_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill master and workers at once."""
        kill_group(self.process)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def worker_pids(self) -> list[int]:
        """The worker processes, oldest first (Linux only)."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path else ""

    def _open_log(self) -> IO[bytes] | None:
        if self.log_path is None:
            return None
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        return self.log_path.open("ab")

    def _log_hint(self) -> str:
        return f" (log: {self.log_path})" if self.log_path else ""

    def _answers(self) -> bool:
        if not self.is_alive():
            raise StartError(
                f"the web server ended at once with exit code {self.process.returncode}{self._log_hint()}\n{self.log()}"
            )
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def python_path() -> str:
    """PATH with this interpreter's folder first, so that children find the virtual environment's programs."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
