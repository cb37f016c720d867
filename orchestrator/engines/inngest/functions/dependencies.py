"""What the functions work with."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.coding import Coder
from orchestrator.runlog import RunLog
from orchestrator.steps import DurableSteps


@dataclass(frozen=True)
class Dependencies:
    log: RunLog
    steps: DurableSteps
    coder: Coder
    concurrency: int
