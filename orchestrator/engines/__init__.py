"""What drives a run's steps: Inngest, or this process (``direct``)."""

from orchestrator.engines.direct import DirectEngine
from orchestrator.engines.dispatch import Dispatcher
from orchestrator.engines.inngest import InngestEngine
from orchestrator.engines.sweep import Sweep, SweepLimits

__all__ = ["DirectEngine", "Dispatcher", "InngestEngine", "Sweep", "SweepLimits"]
