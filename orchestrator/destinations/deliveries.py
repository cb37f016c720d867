"""The steps that take a finished run's result to where it goes. Nothing there can cost a run its result."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from agent.errors import PermanentError, TransientError
from agent.protocols import JSON, Emit, Step
from orchestrator.destinations.protocol import Destination, Letter
from orchestrator.logs import get_logger
from orchestrator.runlog import RunRecord

STEP_PREFIX: Final = "deliver-"
MOST_STARTS: Final = 8
"""Well below the attempts that any step may have, the last of which fails the run."""

log = get_logger(__name__)


class Deliveries:
    def __init__(self, destinations: Sequence[Destination]) -> None:
        self._destinations = destinations

    def deliver(self, record: RunRecord, result: dict[str, Any], step: Step) -> dict[str, JSON]:
        """Take ``result``, the data of ``complete``, to each destination; returns what ``complete`` says about that.

        A destination that does not take it in ``RETRIES`` more attempts, or never will, is given up in words.
        """
        if not self._destinations:
            return {}
        letter = Letter("run.complete", record.run_id, record.fields["projectId"], result)
        went = [
            step.run(f"{STEP_PREFIX}{destination.name}", partial(_deliver, destination, letter))
            for destination in self._destinations
        ]
        return {"deliveries": went}


def _deliver(destination: Destination, letter: Letter, emit: Emit) -> JSON:
    """One attempt. Raises TransientError where another follows."""
    emit.check()
    reason = "its process ended again and again" if emit.attempt >= MOST_STARTS else _send(destination, letter, emit)
    if reason is None:
        log.info("delivery.taken", to=destination.name)
        return {"to": destination.name, "delivered": True}
    log.warning("delivery.failed", to=destination.name, reason=reason)
    emit("status", f"The result was not delivered to {destination.title}: {reason}")
    return {"to": destination.name, "delivered": False, "reason": reason}


def _send(destination: Destination, letter: Letter, emit: Emit) -> str | None:
    """Why it will not be taken, None where it was."""
    try:
        destination.send(letter)
    except TransientError as error:
        if not emit.tries.is_last:
            reason = f"The result is not delivered to {destination.title} yet: {error}"
            raise TransientError(reason, error.delay) from error
        return str(error)
    except PermanentError as error:
        return str(error)
    except Exception:
        # The result is there and saved; a bug on this last bit of the way must not turn it into an error.
        log.exception("delivery.crashed", to=destination.name)
        return "an internal error"
    return None
