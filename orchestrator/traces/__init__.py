"""A finished run as one OpenTelemetry trace, made from what the run log knows of it.

Nothing is measured while a run goes on: ``spans`` is a pure function of the stored run, so a trace is complete whatever
was killed meanwhile, and made again it is the same. ``Exporter`` sends each run's once it has ended.
"""

from orchestrator.traces.export import LEASE_SECONDS, Exporter, TraceQueue
from orchestrator.traces.spans import make_spans

__all__ = ["LEASE_SECONDS", "Exporter", "TraceQueue", "make_spans"]
