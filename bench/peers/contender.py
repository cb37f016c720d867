"""What a case needs of each contender, and the processes behind it."""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import redis

from bench import cores
from bench.publish import Publisher
from tools.processes import POLL_SECONDS, StartError, bound_to_parent, kill_group, port_is_free, wait_until
from tools.web_server import ROOT, python_path

START_SECONDS = 20.0


class Contender(Protocol):
    name: str
    port: int
    first_bytes: bool
    """Whether a viewer gets bytes as soon as it is subscribed."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def pids(self) -> list[int]:
        """The processes that serve viewers."""

    def redis_pids(self) -> list[int]:
        """Its Redis, where it has one."""

    def request(self, run: str, after: int = 0) -> bytes:
        """What a viewer sends."""

    def prepare(self, runs: Sequence[str]) -> None:
        """Make the runs that viewers will watch."""

    def wait_watched(self, runs: Sequence[str], viewers: int) -> None:
        """Wait until all viewers are subscribed."""

    def publisher(self) -> Publisher: ...

    def settle(self, runs: Sequence[str]) -> None:
        """Make the server notice that the viewers have gone."""


class Process:
    """A server that we start, bound to us, and that is gone when we are."""

    def __init__(self, command: list[str], port: int, env: dict[str, str], log_path: Path) -> None:
        self._name, self._log_path = " ".join(command[1:4]), log_path
        with log_path.open("ab") as output:
            self._process = subprocess.Popen(
                bound_to_parent(command),
                cwd=ROOT,
                env=clean_environment() | env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_until(lambda: self._listens(port), START_SECONDS, f"port {port} to be served (log: {log_path})")
            cores.pin(cores.SERVER, {self._process.pid, *self.pids()})
        except BaseException:
            self.stop()
            raise

    def pids(self) -> list[int]:
        """Its workers, or itself where it has none."""
        path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [int(pid) for pid in path.read_text().split()] or [self._process.pid]

    def stop(self) -> None:
        kill_group(self._process)

    def _last_words(self) -> str:
        lines = self._log_path.read_text(errors="replace").splitlines()
        return next((line for line in reversed(lines) if "Error" in line), "see its log")

    def _listens(self, port: int) -> bool:
        if self._process.poll() is not None:
            raise StartError(f"{self._name} ended at once with {self._process.returncode}: {self._last_words()}")
        return not port_is_free(port)


def clean_environment() -> dict[str, str]:
    """What a process needs to run at all, and nothing of the developer's settings."""
    return {"PATH": python_path(), "HOME": os.environ.get("HOME", "/tmp"), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


def wait_subscribed(redis_url: str, runs: Sequence[str], viewers: int) -> None:
    """For servers that send nothing at first: ask Redis how many subscriptions there are."""
    client: Any = redis.Redis.from_url(redis_url)
    channels = [f"agent:{run}" for run in runs]
    try:
        wait_until(lambda: _subscriptions(client, channels) >= viewers, 60.0, f"{viewers} subscriptions")
    finally:
        client.close()


def _subscriptions(client: Any, channels: Sequence[str]) -> int:
    return sum(count for _, count in client.pubsub_numsub(*channels))


def wait_unsubscribed(redis_url: str, runs: Sequence[str], seconds: float) -> bool:
    """Give a server time to notice that its viewers have gone; whether it has."""
    client: Any = redis.Redis.from_url(redis_url)
    channels = [f"agent:{run}" for run in runs]
    give_up = time.monotonic() + seconds
    try:
        while _subscriptions(client, channels):
            if time.monotonic() > give_up:
                return False
            for channel in channels:
                client.publish(channel, '{"data": "bye"}')  # a gone client shows only at the next write
            time.sleep(POLL_SECONDS * 5)
        return True
    finally:
        client.close()


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time that all threads of the processes have used so far, as the scheduler counts it (in ns)."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_bytes(pids: Sequence[int]) -> int:
    """Memory that the processes hold (RSS)."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")
