"""The Inngest functions, one a file."""

from __future__ import annotations

from typing import Any

import inngest

from orchestrator.engines.inngest.functions import code_agent_run, function_cancelled, run_cancelled
from orchestrator.engines.inngest.functions.dependencies import Dependencies


def make_functions(client: inngest.Inngest, dependencies: Dependencies) -> list[inngest.Function[Any]]:
    return [module.make(client, dependencies) for module in (code_agent_run, function_cancelled, run_cancelled)]


__all__ = ["Dependencies", "make_functions"]
