"""One round of a contender: viewers come, events are published, what arrived is counted."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.job import Job
from bench.load import Seen, Watch, watch
from bench.peers import Contender
from bench.peers.contender import cpu_seconds
from bench.publish import Burst, Sent, Steady, burst, steady

CONNECT_SECONDS = 60.0
ROUND_SECONDS = 90.0
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Round:
    """What one round showed, from the first publish to the last arrival."""

    rate: float
    latencies: list[float]
    micros: dict[str, float]
    """CPU of server, Redis, publisher and load for each delivered event, in µs; other work hardly changes it."""
    server_share: float
    """CPU of the server, of one core."""
    lost: int

    @property
    def note(self) -> str:
        lost = f", LOST {self.lost}" if self.lost else ""
        micros = ", ".join(f"{who} {value:.1f}" for who, value in self.micros.items() if value)
        return f"CPU µs/event: {micros}; server {self.server_share:.0%} of a core{lost}"


def run_names(count: int) -> list[str]:
    """Names that no earlier round had."""
    number = next(_numbers)
    return [f"run_b{number}x{place}" for place in range(count)]


def burst_round(contender: Contender, runs: int, viewers: int, events: int, batch: int = 50) -> Round:
    """`events` for each run as fast as they go."""
    names = run_names(runs)
    return _round(contender, names, viewers, runs * events, burst, Burst(names, events, batch))


def steady_round(
    contender: Contender, runs: int, rate: float, seconds: float, meanwhile: Callable[[], None] = lambda: None
) -> Round:
    """`rate` events a second in all, with the time that each took to arrive."""
    names = run_names(runs)
    return _round(contender, names, 1, int(rate * seconds), steady, Steady(names, rate, seconds), meanwhile)


def _round(
    contender: Contender,
    runs: Sequence[str],
    viewers: int,
    published: int,
    publish: Callable[..., Sent],
    plan: Burst | Steady,
    meanwhile: Callable[[], None] = lambda: None,
) -> Round:
    contender.prepare(runs)
    requests = [contender.request(run) for run in runs for _ in range(viewers)]
    expected = published * viewers
    watching = Watch(
        contender.port,
        requests,
        expected,
        ROUND_SECONDS,
        first_bytes=contender.first_bytes,
        stamps=isinstance(plan, Steady),
    )
    with Job(watch, watching) as load, Job(publish, contender.publisher(), plan) as publisher:
        load.hear(CONNECT_SECONDS)
        contender.wait_watched(runs, len(requests))
        publisher.hear(CONNECT_SECONDS)
        before, redis_before = cpu_seconds(contender.pids()), cpu_seconds(contender.redis_pids())
        publisher.tell()
        meanwhile()
        sent = publisher.result(ROUND_SECONDS)
        seen = load.result(ROUND_SECONDS)
        server = cpu_seconds(contender.pids()) - before
        redis = cpu_seconds(contender.redis_pids()) - redis_before
    contender.settle(runs)
    return _measured(sent, seen, server, redis, expected)


def _measured(sent: Sent, seen: Seen, server: float, redis: float, expected: int) -> Round:
    seconds = max(seen.last - sent.started, 1e-9)
    cpu = {"server": server, "Redis": redis, "publisher": sent.cpu_seconds, "load": seen.cpu_seconds}
    return Round(
        rate=seen.events / seconds,
        latencies=seen.latencies,
        micros={who: 1e6 * used / max(seen.events, 1) for who, used in cpu.items()},
        server_share=server / seconds,
        lost=expected - seen.events,
    )


def middle(rounds: Sequence[Round]) -> Round:
    """The round with the median rate."""
    ordered = sorted(rounds, key=lambda each: each.rate)
    return ordered[len(ordered) // 2]


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def median_percentile(rounds: Sequence[Round], share: float) -> float:
    """The median over rounds, in ms: one disturbed round does not decide."""
    return 1000 * median(percentile(each.latencies, share) for each in rounds)
