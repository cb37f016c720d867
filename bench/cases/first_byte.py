"""(g): how soon a caller sees something, and how soon a viewer sees what was published."""

import http.client
import json
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

import redis

from bench.cases.arena import median_percentile, percentile, run_names, steady_round
from bench.cases.ping import ping_seconds
from bench.job import Job, Link
from bench.peers import Runwire
from bench.peers.runwire import API_KEY
from bench.publish import Steady, steady
from bench.report import Row, at_most
from bench.sizes import Sizes

BYTE_TARGET_PINGS, EVENT_TARGET_MS, ARRIVAL_TARGET_MS = 15.0, 50.0, 1.0
SILENCE_SECONDS = 30.0
QUIET_RATE = 100.0
QUIET_SECONDS = 3.0
PAUSE_SECONDS = 0.3
"""Between runs: the one before must have noticed that it was cancelled, and have cleaned up."""


def rows(ours: Runwire, sizes: Sizes) -> Iterator[Row]:
    _post(ours.port)  # imports what the first run needs
    firsts, events = zip(*[_post(ours.port) for _ in range(sizes.posts)], strict=True)
    byte, event = median(firsts), median(events)
    ping = 1000 * ping_seconds(ours.redis.url)
    note = f"{byte:.1f} ms, p90 {percentile(firsts, 0.9):.1f} ms; a PING of redis-py {ping:.2f} ms"
    yield at_most("g", "POST to first byte: p50", byte / ping, BYTE_TARGET_PINGS, "PINGs", note)
    note = f"p90 {percentile(events, 0.9):.1f} ms"
    yield at_most("g", "POST to first event of the agent, direct: p50", event, EVENT_TARGET_MS, "ms", note)
    bare = 1000 * median(_bare_subscriber(ours))
    through = median_percentile([steady_round(ours, 1, QUIET_RATE, QUIET_SECONDS)], 0.5)
    note = f"SSE client {through:.2f} ms, bare redis-py subscriber {bare:.2f} ms"
    yield at_most(
        "g", "publish to arrival, above a bare subscriber: p50", through - bare, ARRIVAL_TARGET_MS, "ms", note
    )


def _post(port: int) -> tuple[float, float]:
    """ms from sending the request to the first byte of the body and to the first event of a step; then cancels."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE_SECONDS)
    headers = {"Content-Type": "application/json", "X-API-Key": API_KEY}
    body = json.dumps({"projectId": f"bench-{time.time_ns()}", "value": "a tip calculator", "model": "offline"})
    try:
        connection.connect()
        started = time.monotonic()
        connection.request("POST", "/agent/run", body, headers)
        response = connection.getresponse()
        first = response.read1(1)
        to_byte = time.monotonic() - started
        _wait_for_step(response, first)
        to_event = time.monotonic() - started
        _cancel(port, response.headers["X-Run-Id"], headers)
    finally:
        connection.close()
    time.sleep(PAUSE_SECONDS)
    return to_byte * 1000, to_event * 1000


def _wait_for_step(response: http.client.HTTPResponse, buffer: bytes) -> None:
    while chunk := response.read1():
        *frames, buffer = (buffer + chunk).split(b"\n\n")
        events = [json.loads(frame[6:]) for frame in frames if frame.startswith(b"data: ")]
        if any(event["step"] not in ("request", "") for event in events):
            return
    raise RuntimeError("the stream ended without an event of a step")


def _cancel(port: int, run: str, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE_SECONDS)
    connection.request("POST", f"/agent/run/{run}/cancel", b"", headers)
    connection.getresponse().read()
    connection.close()


def _bare_subscriber(ours: Runwire) -> list[float]:
    """The same events, published in the same way, to redis-py's own subscriber."""
    runs = run_names(1)
    ours.prepare(runs)
    plan = Steady(runs, QUIET_RATE, QUIET_SECONDS)
    with Job(_listen, ours.redis.url, runs[0], int(plan.rate * plan.seconds)) as subscriber:
        subscriber.hear(SILENCE_SECONDS)
        with Job(steady, ours.publisher(), plan) as publisher:
            publisher.hear(SILENCE_SECONDS)
            publisher.tell()
            return subscriber.result(SILENCE_SECONDS)


def _listen(link: Link, redis_url: str, run: str, events: int) -> list[float]:
    client: Any = redis.Redis.from_url(redis_url)
    pubsub = client.pubsub(ignore_subscribe_messages=False)
    pubsub.subscribe(f"agent:{run}")
    latencies: list[float] = []
    for message in pubsub.listen():
        if message["type"] == "subscribe":
            link.send("ready")
            continue
        now = time.monotonic_ns()
        stamp = message["data"].partition(b"~")[2].partition(b";")[0]
        latencies.append((now - int(stamp)) / 1e9)
        if len(latencies) == events:
            break
    return latencies
