"""(f): what one process can append, and how many round trips streamed text costs."""

import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

import gevent
from gevent import monkey

from bench.cases.arena import run_names
from bench.cases.ping import ping_seconds
from bench.job import Job, Link
from bench.peers import Runwire
from bench.publish import STEP, body
from bench.report import Row, at_least, at_most
from bench.sizes import Sizes
from orchestrator.drain import Drain
from orchestrator.events import RunRequested
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import Client, connect
from orchestrator.steps import Emitter, EmitterSettings
from tools.redis_server import RedisServer

SINGLE_OF_PINGS, AT_ONCE_OF_SINGLE, BATCH_TARGET, TRIPS_TARGET = 2.0, 8.0, 80_000.0, 60.0
BATCH = 50
AT_ONCE = 100
"""Runs that append at the same time."""
TOKENS_PER_SECOND = 100.0
JOB_SECONDS = 120.0
ROUNDS = 3


def rows(ours: Runwire, sizes: Sizes) -> Iterator[Row]:
    single = _rate(ours, sizes.single_appends, 1)
    pings = 1 / ping_seconds(ours.redis.url, sizes.single_appends)
    note = f"{single:,.0f} events/s; PINGs: {pings:,.0f}/s"
    yield at_least("f", "append: single events against PINGs of redis-py", single / pings, SINGLE_OF_PINGS, "×", note)
    at_once = _rate(ours, sizes.single_appends, 1, AT_ONCE)
    what = f"append: single events, {AT_ONCE} runs at once, against one run at a time"
    yield at_least("f", what, at_once / single, AT_ONCE_OF_SINGLE, "×", f"{at_once:,.0f} events/s in one process")
    batched = _rate(ours, sizes.batches, BATCH)
    yield at_least("f", f"append: batches of {BATCH}, one process", batched, BATCH_TARGET, "events/s")
    trips = _trips(sizes.tokens)
    what = f"round trips per 1,000 tokens at {TOKENS_PER_SECOND:.0f} tokens/s"
    yield at_most("f", what, trips, TRIPS_TARGET, "", f"measured over {sizes.tokens:,} tokens")


def _rate(ours: Runwire, calls: int, batch: int, at_once: int = 1) -> float:
    rates = []
    for _ in range(ROUNDS):
        runs = run_names(at_once)
        ours.prepare(runs)
        with Job(_append, ours.redis.url, runs, calls // at_once, batch) as job:
            rates.append(calls * batch / job.result(JOB_SECONDS))
        ours.client.flushall()
    return median(rates)


def _append(link: Link, redis_url: str, runs: list[str], calls: int, batch: int) -> float:
    """Seconds for ``calls`` of each run."""
    monkey.patch_all(ssl=False)  # as in the processes that serve: their greenlets share a connection
    log = RunLog(connect(redis_url, 2))

    def write(run: str) -> None:
        bodies = [body(run)] * batch
        for call in range(calls):
            log.append(run, STEP, 0, call * batch + 1, bodies)

    started = time.monotonic()
    gevent.joinall([gevent.spawn(write, run) for run in runs], raise_error=True)
    return time.monotonic() - started


def _trips(tokens: int) -> float:
    """Calls that Redis counts, for each 1,000 tokens. A Redis of its own: an idle service makes some, too."""
    [run] = run_names(1)
    with RedisServer() as server, closing(connect(server.url, 2)) as client:
        log = RunLog(client)
        log.create(RunRequested(run_id=run, project_id="bench", value="work"), "direct", "accepted")
        log.begin(run, STEP, 0, "nonce")
        before = _script_calls(client)
        with Job(_stream, server.url, run, tokens) as job:
            job.result(JOB_SECONDS)
        return (_script_calls(client) - before) * 1000 / tokens


def _stream(link: Link, redis_url: str, run: str, tokens: int) -> None:
    log = RunLog(connect(redis_url, 2))
    settings = EmitterSettings(redact=Redactor.from_environment({}), drain=Drain(1.0))
    with closing(Emitter(log, run, STEP, 0, settings)) as emit:
        started = time.monotonic()
        for count in range(tokens):
            time.sleep(max(0.0, started + count / TOKENS_PER_SECOND - time.monotonic()))
            emit("text", "token ")
        emit.commit({})


def _script_calls(client: Client) -> int:
    stats = client.info("commandstats")
    return sum(int(stats.get(f"cmdstat_{name}", {}).get("calls", 0)) for name in ("evalsha", "eval", "fcall"))
