"""Durable Streams' own server (npm): the same promises as ours, stored and resumed from an offset. One Node process."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import httpx

from bench.peers.contender import Process, get
from bench.peers.no_redis import NoRedis
from bench.publish import Publisher
from bench.publishers import DurableStreamsPublisher
from tools.processes import StartError, free_port

FOLDER = Path(__file__).with_name("npm")


class DurableStreams(NoRedis):
    name = "durable-streams"

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log_path = folder / f"{self.name}.log"
        self._program = find_node()

    def __enter__(self) -> Self:
        command = [self._program, str(FOLDER / "durable_streams.mjs"), str(self.port)]
        self._process = Process(command, self.port, {}, self._log_path)
        return self

    def request(self, run: str, after: int = 0) -> bytes:
        return get(f"/stream/{run}?offset=now&live=sse")

    def prepare(self, runs: Sequence[str]) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as http:
            for run in runs:
                http.put(f"/stream/{run}", headers={"content-type": "application/json"}).raise_for_status()

    def publisher(self) -> Publisher:
        return DurableStreamsPublisher(self.port)


def find_node() -> str:
    beside = Path(sys.executable).with_name("node")
    program = str(beside) if beside.exists() else shutil.which("node")
    if program and (FOLDER / "node_modules").exists():
        return program
    raise StartError("@durable-streams/server is not installed: npm ci --prefix bench/peers/npm")
