"""The run log: everything about a run that outlives a process, in Redis.

``log`` writes and reads it, ``scripts/`` are its server-side halves, ``keys`` its names, ``connection`` the pools.
"""

from orchestrator.runlog.log import Begun, Page, RunLog, RunRecord
from orchestrator.runlog.refusals import (
    AttemptStale,
    LogFull,
    LogUnavailable,
    Refused,
    RunEnded,
    RunMissing,
)

__all__ = [
    "AttemptStale",
    "Begun",
    "LogFull",
    "LogUnavailable",
    "Page",
    "Refused",
    "RunEnded",
    "RunLog",
    "RunMissing",
    "RunRecord",
]
