"""What the functions work with."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.coding import Coder
from orchestrator.owners import ProjectOwners
from orchestrator.runlog import RunLog
from orchestrator.steps import DurableSteps


@dataclass(frozen=True)
class Dependencies:
    log: RunLog
    steps: DurableSteps
    coder: Coder
    owners: ProjectOwners
    caller_of_events: str
    """To whom a run belongs that somebody's event started, unless its project has an owner."""
    concurrency: int
    most_chars: int
    """Of what a run is asked for."""
