"""What is counted, in one place; whoever does a thing counts it. `/metrics` shows it, summed over the processes.

No label names a caller, a project or a run: their number has no bound, and metrics are everybody's who may read them.
In gunicorn PROMETHEUS_MULTIPROC_DIR is set before this is imported (gunicorn.conf.py); each process then counts in
a file of its own there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

__all__ = ["mark_process_dead"]

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"

STEP_SECONDS_BUCKETS: Final = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
ANSWER_SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LAG_SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

# -- runs
RUNS_STARTED: Final = Counter("runwire_runs_started", "Runs that were accepted, by the engine chosen.", ["engine"])
RUNS_ENDED: Final = Counter(
    "runwire_runs_ended", "Runs that ended, by how (complete, or the error's code) and engine.", ["end", "engine"]
)
FAILOVERS: Final = Counter(
    "runwire_failovers", "Runs that stood still and were given to an engine again.", ["engine", "next_engine"]
)
UNFINISHED: Final = "runwire_unfinished_runs"

# -- steps; ``kind`` is a step's name without its numbers
STEP_SECONDS: Final = Histogram(
    "runwire_step_seconds", "Attempts of steps, by how they ended.", ["kind", "end"], buckets=STEP_SECONDS_BUCKETS
)
STEPS_RETRIED: Final = Counter("runwire_steps_retried", "Attempts that failed and were to be followed.", ["kind"])
STEPS_INTERRUPTED: Final = Counter(
    "runwire_steps_interrupted", "Attempts begun after one that nobody ended: a process died or was cut off.", ["kind"]
)
ROLLBACKS: Final = Counter("runwire_rollbacks", "Attempts whose events were taken back.", ["kind"])
TOKENS: Final = Counter(
    "runwire_tokens", "Tokens of finished model calls (cached: of the input).", ["model", "direction"]
)
COST: Final = Counter("runwire_cost_dollars", "What finished model calls cost, by the table of prices.", ["model"])

# -- events
EVENTS_APPENDED: Final = Counter("runwire_events_appended", "Events stored and published by steps.")
EVENTS_DELIVERED: Final = Counter("runwire_events_delivered", "Live events handed to viewers, one for each viewer.")
DELIVERY_LAG: Final = Histogram(
    "runwire_delivery_lag_seconds",
    "From an event's time stamp to its being handed to viewers; sampled once a second a process.",
    buckets=LAG_SECONDS_BUCKETS,
)
VIEWERS: Final = Gauge("runwire_viewers", "Open streams and waiting polls.", multiprocess_mode="livesum")
CATCH_UPS: Final = Counter("runwire_catch_ups", "Pages that open streams read from the log, having missed something.")

# -- Redis and HTTP
HUB_RECONNECTS: Final = Counter("runwire_hub_reconnects", "Times that a process's subscriber connection was lost.")
REDIS_CONNECTIONS: Final = Counter("runwire_redis_connections", "Connections to Redis that were opened.")
FIRST_EVENT_SECONDS: Final = Histogram(
    "runwire_first_event_seconds",
    "From a request to the first events of its stream.",
    ["method"],
    buckets=ANSWER_SECONDS_BUCKETS,
)
REQUEST_SECONDS: Final = Histogram(
    "runwire_http_request_seconds",
    "From a request to the beginning of its answer.",
    ["method", "route", "status"],
    buckets=ANSWER_SECONDS_BUCKETS,
)


def exposition(count_unfinished: Callable[[], Mapping[str, int]]) -> bytes:
    """All metrics in Prometheus' text format. ``count_unfinished``: by the queue that runs stand in."""
    registry = CollectorRegistry()
    if os.environ.get(MULTIPROCESS):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_Ours())
    registry.register(_Unfinished(count_unfinished))
    return generate_latest(registry)


class _Ours(Collector):
    def collect(self) -> Iterable[Metric]:
        return [metric for metric in REGISTRY.collect() if metric.name.startswith("runwire_")]


class _Unfinished(Collector):
    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            UNFINISHED, "Runs that have not ended, by the queue they stand in.", labels=["queue"]
        )
        for queue, number in self._count().items():
            family.add_metric([queue], number)
        yield family


def kind_of(step: str) -> str:
    """``tool-3-1`` → ``tool``."""
    return step.rstrip("0123456789-")
