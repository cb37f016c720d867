"""Steps exactly once: memo, fence, rollback and commit around a step's body, the same for every engine."""

from orchestrator.steps.durable import DurableSteps
from orchestrator.steps.emitter import Emitter, EmitterSettings

__all__ = ["DurableSteps", "Emitter", "EmitterSettings"]
