"""Sends the traces of runs that have ended, one process at a time: OTLP over HTTP, as OTEL_* settings say.

A run is noted when it is started, not when it ends: who ends it may die before it could note anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from redis.exceptions import RedisError

from orchestrator.drain import Drain
from orchestrator.events import now_ms
from orchestrator.logs import get_logger
from orchestrator.metrics import kind_of
from orchestrator.runlog import LogFull, RunLog, RunMissing
from orchestrator.runlog.causes import cause
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import TRACES
from orchestrator.runlog.lease import Lease
from orchestrator.steps.counting import MODEL_CALL
from orchestrator.traces.spans import make_spans

LOOK_SECONDS: Final = 2.0
LEASE_SECONDS: Final = 30.0
"""Longer than a collector may take to answer."""
TIMEOUT_SECONDS: Final = 5.0
ARRIVING_MS: Final = 60_000
"""A run noted this recently may not be stored yet."""
MOST_LOOKED: Final = 500
"""Unfinished runs of one look, the oldest first."""

log = get_logger(__name__)


class TraceQueue:
    """The runs whose traces were not sent yet: a sorted set, run → when it was noted (``RunIndex``), in ms."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    def waiting(self) -> dict[str, int]:
        found = self._redis.zrange(TRACES, 0, MOST_LOOKED - 1, withscores=True)
        return {name.decode(): int(ms) for name, ms in found}

    def remove(self, run_id: str) -> None:
        self._redis.zrem(TRACES, run_id)


class Exporter:
    """``providers``: model → whose it is. ``make``: how to make what sends; it is made in the process that does."""

    def __init__(
        self,
        run_log: RunLog,
        queue: TraceQueue,
        lease: Lease,
        drain: Drain,
        providers: Mapping[str, str],
        make: Callable[[], SpanExporter] | None = None,
    ) -> None:
        self._log, self._queue, self._lease, self._drain = run_log, queue, lease, drain
        self._providers = providers
        self._make = make or _otlp
        self._resource = Resource.create({SERVICE_NAME: "runwire"})  # OTEL_SERVICE_NAME overrides it

    def start(self) -> None:
        """Export from now on, in the background. Call once, after the fork."""
        threading.Thread(target=self._keep_exporting, name="traces", daemon=True).start()

    def _keep_exporting(self) -> None:
        exporter = self._make()
        while not self._drain.started.wait(LOOK_SECONDS):
            try:
                if self._lease.mine():
                    self.look(exporter)
            except (RedisError, OSError, LogFull) as error:
                log.warning("traces.redis_away", reason=cause(error))
            except Exception:
                log.exception("traces.crashed")

    def look(self, exporter: SpanExporter) -> None:
        """Send what has ended; what cannot be sent stays noted."""
        waiting = self._queue.waiting()
        _, beats = self._log.beats(waiting)
        for run_id, noted in waiting.items():
            if beats[run_id] is not None or now_ms() - noted < LOOK_SECONDS * 1000:
                continue  # it goes on
            try:
                is_sent = exporter.export(self._spans(run_id)) is SpanExportResult.SUCCESS
            except RunMissing:
                is_sent = now_ms() - noted > ARRIVING_MS  # it was never stored, or has expired
            if is_sent:
                self._queue.remove(run_id)
            if not self._lease.mine():
                return

    def _spans(self, run_id: str) -> list[ReadableSpan]:
        record = self._log.record(run_id)
        steps = self._log.journal.read(run_id)
        calls = [step.name for step in steps if step.is_done and kind_of(step.name) == MODEL_CALL]
        return make_spans(record, steps, self._log.some_results(run_id, calls), self._providers, self._resource)


def _otlp() -> SpanExporter:
    return OTLPSpanExporter(timeout=TIMEOUT_SECONDS)
