"""The service, but nothing of it counts: what metrics cost is the difference."""

from prometheus_client import Counter, Gauge, Histogram

from wsgi import app

__all__ = ["app"]


def _nothing(*_: object) -> None:
    pass


Counter.inc = Gauge.set = Histogram.observe = _nothing  # type: ignore[method-assign,assignment]
