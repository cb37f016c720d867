"""The real Inngest dev server, from the binary that INNGEST_CLI names."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx

from lab.inngest.api import InngestServer
from lab.service import minimal_environment
from tools.processes import StartError, bound_to_parent, free_port, kill_group, stop, wait_until

START_SECONDS = 60.0
STOP_SECONDS = 10.0
PORT_FLAGS = (
    "--port",
    "--connect-gateway-port",
    "--connect-gateway-grpc-port",
    "--connect-executor-grpc-port",
    "--debug-api-port",
)


class RealInngest(InngestServer):
    """`inngest dev` on free ports, with everything it keeps below `folder`."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._ports = {flag: free_port() for flag in PORT_FLAGS}
        self._process: subprocess.Popen[bytes] | None = None
        self.base_url = f"http://127.0.0.1:{self._ports['--port']}"

    @classmethod
    def from_environment(cls, folder: Path) -> Self:
        name = os.environ.get("INNGEST_CLI", "")
        binary = shutil.which(name) if name else None
        if binary is None:
            raise StartError(f"INNGEST_CLI must name the binary of Inngest's dev server, got {name!r}")
        return cls(str(Path(binary).resolve()), folder)

    def __enter__(self) -> Self:
        self._start()
        return self

    def die(self) -> None:
        if self._process:
            kill_group(self._process)

    def come_back(self, *, remembers: bool) -> None:
        if not remembers:
            shutil.rmtree(self._folder)
        self._start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        assert self._process
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        log_path = self._folder / "inngest.log"
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                bound_to_parent(self._command()),
                cwd=self._folder,
                env=minimal_environment(self._folder) | {"DO_NOT_TRACK": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, START_SECONDS, f"Inngest to start (log: {log_path})")

    def __exit__(self, *_: object) -> None:
        if self._process:
            stop(self._process, STOP_SECONDS)
            kill_group(self._process)

    def _command(self) -> list[str]:
        options = ["--no-discovery", "--no-poll", "--persist", "--host", "127.0.0.1", "--retry-interval", "1"]
        ports = [part for flag, port in self._ports.items() for part in (flag, str(port))]
        return [self._binary, "dev", *options, "--sqlite-dir", str(self._folder), *ports]

    def _answers(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise StartError(f"Inngest ended at once with exit code {self._process.returncode}")
        try:
            return httpx.get(f"{self.base_url}/dev", trust_env=False).is_success
        except httpx.TransportError:
            return False
