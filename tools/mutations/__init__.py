"""The mechanisms of docs/reliability.md, and how each is switched off."""

from __future__ import annotations

from typing import Final

from tools.mutations import engines, frontends, models, results, sandbox, steps, viewers
from tools.mutations.mutant import DoesNotFit, Mutant

MUTANTS: Final = (
    *results.MUTANTS,
    *steps.MUTANTS,
    *engines.MUTANTS,
    *viewers.MUTANTS,
    *sandbox.MUTANTS,
    *models.MUTANTS,
    *frontends.MUTANTS,
)

__all__ = ["MUTANTS", "DoesNotFit", "Mutant"]
