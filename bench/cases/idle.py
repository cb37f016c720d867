"""(d): viewers that only wait: memory, Redis connections, time to connect."""

import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases.arena import CONNECT_SECONDS, run_names
from bench.job import Job
from bench.load import Watch, watch
from bench.peers import PEERS, Contender, Runwire
from bench.peers.contender import cpu_seconds, resident_bytes
from bench.report import Row, at_most, show
from bench.sizes import Sizes
from orchestrator.open_files import viewers_at_most
from tools.processes import StartError

KIB_PER_VIEWER, CONNECT_CPU_MS = 4.0, 0.4
WARM_UP = 50
POOL = 9
"""The hub's connection and those that a process may open for commands (REDIS_MAX_CONNECTIONS)."""
HOLD_SECONDS = 120.0


def rows(sizes: Sizes, folder: Path) -> Iterator[Row]:
    """Each count meets a fresh process: memory that an earlier crowd has freed would be used again."""
    few = 0
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in sizes.idle:
        viewers = viewers_at_most(wanted)
        if viewers < wanted:
            yield Row("d", f"{wanted:,} idle viewers", f"{viewers:,}", note=f"a process may open {most:,} files here")
        with Runwire(folder, env={"SSE_MAX_VIEWERS": str(viewers + 1000)}) as ours:
            few = few or _crowd(ours, WARM_UP).redis_connections
            yield from _rows(ours, viewers, max(few, POOL))
    for make in PEERS if sizes.peer_idle else ():
        with suppress(StartError), make(folder) as peer:
            _crowd(peer, WARM_UP)
            crowd = _crowd(peer, sizes.peer_idle)
            yield Row("d", f"{peer.name}: {sizes.peer_idle:,} idle viewers", show(crowd.kib, "KiB"), note=crowd.note)


def _rows(ours: Runwire, viewers: int, connections: int) -> Iterator[Row]:
    _crowd(ours, WARM_UP)  # what the first requests import and cache belongs to no viewer
    crowd = _crowd(ours, viewers)
    yield at_most("d", f"{viewers:,} idle viewers: memory of each", crowd.kib, KIB_PER_VIEWER, "KiB")
    yield Row("d", "… time to connect all", show(crowd.seconds, "s"), "none refused", not crowd.refused, crowd.note)
    yield at_most("d", "… server's CPU to connect one", crowd.cpu_ms, CONNECT_CPU_MS, "ms")
    yield at_most("d", "… Redis connections", crowd.redis_connections, connections, "", "as with 50 viewers")


@dataclass(frozen=True)
class Crowd:
    kib: float
    """Memory for each viewer."""
    seconds: float
    """Until all were there."""
    cpu_ms: float
    """Processor time of the server for each viewer that connects."""
    viewers: int
    refused: int
    redis_connections: int

    @property
    def note(self) -> str:
        refused = f", REFUSED {self.refused}" if self.refused else ""
        return f"{self.viewers / self.seconds:,.0f} viewers/s, {self.cpu_ms:.2f} ms CPU each{refused}"


def _crowd(contender: Contender, viewers: int) -> Crowd:
    runs = run_names(viewers)
    contender.prepare(runs)
    before, cpu = resident_bytes(contender.pids()), cpu_seconds(contender.pids())
    requests = [contender.request(run) for run in runs]
    plan = Watch(contender.port, requests, viewers + 1, HOLD_SECONDS, first_bytes=contender.first_bytes)
    with Job(watch, plan) as load:
        seconds = load.hear(HOLD_SECONDS)
        contender.wait_watched(runs, viewers)
        memory, cpu = resident_bytes(contender.pids()) - before, cpu_seconds(contender.pids()) - cpu
        connections = _redis_connections(contender)
        load.tell()
        refused = len(load.result(CONNECT_SECONDS).refused)
    contender.settle(runs)
    return Crowd(memory / 1024 / viewers, seconds, 1000 * cpu / viewers, viewers, refused, connections)


def _redis_connections(contender: Contender) -> int:
    """All but our own."""
    if not isinstance(contender, Runwire):
        return 0
    clients: list[dict[str, Any]] = contender.client.client_list()
    return len(clients) - 1
