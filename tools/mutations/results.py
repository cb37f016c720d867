"""Results on their way out."""

from __future__ import annotations

from typing import Final

from tools.mutations.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "a result that nobody takes",
        "orchestrator/destinations/deliveries.py",
        "if not emit.tries.is_last:",
        "if True:",
        ("tests/destinations/test_deliveries.py",),
    ),
    Mutant(
        "errors are put on the list",
        "orchestrator/runlog/lives.py",
        "if self._reports_errors:",
        "if False:",
        ("tests/destinations/test_error_reports.py",),
    ),
    Mutant(
        "told once",
        "orchestrator/runlog/untold.py",
        "if not self._redis.exists(told(run_id)):",
        "if True:",
        ("tests/destinations/test_error_reports.py",),
    ),
)
