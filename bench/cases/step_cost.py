"""(h): what a step costs around its body: directly, and as a call that Inngest makes over HTTP."""

import http.client
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from gevent import monkey

from bench.cases.arena import run_names
from bench.cases.ping import ping_seconds
from bench.job import Job, Link
from bench.peers import Runwire
from bench.peers.contender import Process
from bench.report import Row, at_most
from bench.sizes import Sizes
from orchestrator.drain import Drain
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from orchestrator.steps import DurableSteps, EmitterSettings
from tools.processes import free_port

DIRECT_TARGET_PINGS, PROTOCOL_TARGET_MS = 3.0, 5.0
JOB_SECONDS = 60.0
GUNICORN = "gunicorn bench.peers.inngest_app:app -c bench/peers/plain_gunicorn.py --bind 127.0.0.1:{port}"
BARE, DURABLE = "bench-bare", "bench-durable"


def rows(ours: Runwire, sizes: Sizes, folder: Path) -> Iterator[Row]:
    runs = run_names(1)
    ours.prepare(runs)
    with Job(_direct, ours.redis.url, runs[0], sizes.steps) as job:
        direct = median(job.result(JOB_SECONDS))
    ping = 1000 * ping_seconds(ours.redis.url)
    note = f"begin, one event, commit: {direct:.2f} ms; a PING of redis-py {ping:.2f} ms"
    yield at_most("h", "step overhead, direct: p50", direct / ping, DIRECT_TARGET_PINGS, "PINGs", note)
    port = free_port()
    command = [sys.executable, "-m", *GUNICORN.format(port=port).split()]
    env = {"REDIS_URL": ours.redis.url, "INNGEST_DEV": "1"}
    server = Process(command, port, env, folder / "inngest.log")
    try:
        bare, durable = _calls(port, ours, sizes.steps // 2)
    finally:
        server.stop()
    note = f"ours {durable:.2f} ms, bare function {bare:.2f} ms a call"
    yield at_most(
        "h", "step through Inngest's protocol, above bare: p50", durable - bare, PROTOCOL_TARGET_MS, "ms", note
    )


def _direct(link: Link, redis_url: str, run: str, count: int) -> list[float]:
    monkey.patch_all(ssl=False)  # as in the process that drives runs: its greenlets share a connection
    log = RunLog(connect(redis_url, 2))
    steps = DurableSteps(log, EmitterSettings(redact=Redactor.from_environment({}), drain=Drain(1.0)))
    taken = []
    for number in range(count):
        started = time.monotonic()
        steps.attempt(run, f"step-{number}", _body)
        taken.append(1000 * (time.monotonic() - started))
    return taken


def _body(emit: Any) -> int:
    emit("status", "working")
    return 1


def _calls(port: int, ours: Runwire, count: int) -> tuple[float, float]:
    """Median ms of a step call: of the bare function, and of ours. In turns, after a warm-up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=JOB_SECONDS)
    runs = run_names(count)
    ours.prepare(runs, "inngest")
    taken: dict[str, list[float]] = {BARE: [], DURABLE: []}
    for run in runs:
        for function, times in taken.items():
            times.append(_call(connection, function, run))
    connection.close()
    return median(taken[BARE][10:]), median(taken[DURABLE][10:])


def _call(connection: http.client.HTTPConnection, function: str, run: str) -> float:
    """One Call Request of Inngest's SDK specification (4.4.1) that makes the function run its step; ms."""
    body = json.dumps(_request(function, run))
    started = time.monotonic()
    path = f"/api/inngest?fnId={function}&stepId=step"
    connection.request("POST", path, body, {"Content-Type": "application/json", "X-Inngest-Server-Kind": "dev"})
    response = connection.getresponse()
    answer = response.read()
    taken = time.monotonic() - started
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        raise RuntimeError(f"expected 206 with the step's result, got {response.status}: {answer[:300]!r}")
    return 1000 * taken


def _request(function: str, run: str) -> dict[str, Any]:
    event = {"name": "bench/run", "data": {"runId": run}, "id": run, "ts": int(time.time() * 1000)}
    context = {
        "run_id": run,
        "fn_id": function,
        "step_id": "step",
        "attempt": 0,
        "disable_immediate_execution": False,
        "use_api": False,
        "stack": {"stack": [], "current": 0},
    }
    return {"ctx": context, "event": event, "events": [event], "steps": {}, "use_api": False, "version": 1}
