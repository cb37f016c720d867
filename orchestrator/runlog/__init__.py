"""The run log: everything about a run that outlives a process, in Redis.

``log`` is all that can be done with it: ``lives`` is how runs begin and end, ``attempts`` what a step writes, ``reads``
what is read; ``parts`` is what it is made of. ``scripts/`` are its server-side halves, ``queue`` is the room of the
unfinished runs, ``keys`` its names, ``connection`` the pools.
"""

from orchestrator.runlog.log import RunLog
from orchestrator.runlog.record import NOBODY, Beat, Begun, Page, RunRecord
from orchestrator.runlog.refusals import (
    AttemptStale,
    LogFull,
    LogUnavailable,
    Refused,
    RunEnded,
    RunMissing,
    RunMoved,
    RunUnfinished,
    RunWaits,
)

__all__ = [
    "NOBODY",
    "AttemptStale",
    "Beat",
    "Begun",
    "LogFull",
    "LogUnavailable",
    "Page",
    "Refused",
    "RunEnded",
    "RunLog",
    "RunMissing",
    "RunMoved",
    "RunRecord",
    "RunUnfinished",
    "RunWaits",
]
