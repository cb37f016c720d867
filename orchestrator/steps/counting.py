"""What an attempt of a step adds to the metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from orchestrator import metrics
from orchestrator.runlog import Begun

MODEL_CALL: Final = "model"
"""The kind of step whose result says what it has used up: an ``agent.messages.Turn``."""


class StepMetrics:
    """One attempt, from now on until ``end``."""

    def __init__(self, step: str, begun: Begun) -> None:
        self._kind, self._began = metrics.kind_of(step), time.monotonic()
        if begun.interrupted:
            metrics.STEPS_INTERRUPTED.labels(self._kind).inc()
        if begun.rolled_back:
            metrics.ROLLBACKS.labels(self._kind).inc()

    def end(self, how: str, result: Any = None) -> None:
        metrics.STEP_SECONDS.labels(self._kind, how).observe(time.monotonic() - self._began)
        if self._kind == MODEL_CALL and isinstance(result, Mapping):
            _count_usage(result.get("model") or "unknown", result.get("usage") or {})


def count_retry(step: str, *, took_back: bool) -> None:
    kind = metrics.kind_of(step)
    metrics.STEPS_RETRIED.labels(kind).inc()
    if took_back:
        metrics.ROLLBACKS.labels(kind).inc()


def _count_usage(model: str, usage: Mapping[str, Any]) -> None:
    for direction in ("input", "output", "cached"):
        metrics.TOKENS.labels(model, direction).inc(usage.get(f"{direction}Tokens", 0))
    metrics.COST.labels(model).inc(usage.get("cost", 0.0))
