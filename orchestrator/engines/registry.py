"""The engines there are, the preferred one first: one entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import inngest

from orchestrator.coding import Coder
from orchestrator.drain import Drain
from orchestrator.engines.direct import DirectEngine
from orchestrator.engines.inngest.engine import InngestEngine
from orchestrator.engines.protocol import Engine
from orchestrator.runlog import RunLog
from orchestrator.settings import Settings
from orchestrator.steps import DurableSteps


@dataclass(frozen=True)
class Parts:
    """What engines are made of."""

    settings: Settings
    owner: str
    """This process's name to others."""
    log: RunLog
    steps: DurableSteps
    coder: Coder
    drain: Drain
    client: inngest.Inngest


def _inngest(parts: Parts) -> Engine:
    return InngestEngine(parts.client, parts.settings)


def _direct(parts: Parts) -> Engine:
    return DirectEngine(
        parts.log,
        parts.steps,
        parts.coder,
        parts.drain,
        places=parts.settings.agent_direct_runs,
        owner=parts.owner,
        allowed=parts.settings.agent_engine != "inngest",
    )


ENGINES: Final[dict[str, Callable[[Parts], Engine]]] = {"inngest": _inngest, "direct": _direct}


def make_engines(parts: Parts) -> dict[str, Engine]:
    return {name: make(parts) for name, make in ENGINES.items()}
