"""What drives a run's steps: Inngest, or this process (``direct``)."""

from orchestrator.engines.direct import DirectEngine
from orchestrator.engines.dispatch import Choice, Dispatcher
from orchestrator.engines.inngest import InngestEngine
from orchestrator.engines.sweep import Sweep, SweepLimits

__all__ = ["Choice", "DirectEngine", "Dispatcher", "InngestEngine", "Sweep", "SweepLimits"]
