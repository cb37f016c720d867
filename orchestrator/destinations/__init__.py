"""Where results go when a run has ended: one file a destination, an entry each in ``registry.py``."""

from orchestrator.destinations.deliveries import STEP_PREFIX, Deliveries
from orchestrator.destinations.error_reports import ErrorReports
from orchestrator.destinations.registry import make_destinations

__all__ = ["STEP_PREFIX", "Deliveries", "ErrorReports", "make_destinations"]
