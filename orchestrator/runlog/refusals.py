"""Why the run log would not, or could not, take a write. The first three mean: this attempt is no longer wanted."""

from __future__ import annotations

from agent.errors import Cancelled, PermanentError, TransientError


class Refused(Cancelled):
    """The run log refused a write; whoever tried must stop without a word."""


class RunMissing(Refused):
    """The run is not in Redis: unknown, expired, or Redis was emptied."""


class RunEnded(Refused):
    """The run has its terminal event; ``status`` says which end it took."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the run has ended: {status}")
        self.status = status


class RunUnfinished(Exception):
    """The run has not ended; ``status`` says how it stands."""

    def __init__(self, status: str) -> None:
        super().__init__(f"The run is still going ({status}): cancel it first, or wait for its end")
        self.status = status


class RunMoved(Refused):
    """Another execution has the run: it was moved to another engine, or taken over by another process."""


class RunWaits(RunMoved):
    """The run waits for its user; whoever has the answer gives it to an engine again."""


class AttemptStale(Refused):
    """A newer attempt of the same step has started, or the step is finished."""


class LogUnavailable(TransientError):
    """Redis did not answer for as long as a step may wait."""


class LogFull(PermanentError):
    """Redis has no memory left (``noeviction``): another attempt would meet the same."""


class RunTooLarge(PermanentError):
    """The run has stored more than it may."""

    def __init__(self) -> None:
        super().__init__("The run stored more than one run may (AGENT_MAX_RUN_BYTES) and was stopped.")


def refusal(outcome: str, detail: str) -> Refused:
    """The exception for a script's ``{missing|ended|moved|elsewhere|stale, detail}``."""
    if outcome == "missing":
        return RunMissing("the run is not stored (any more)")
    if outcome == "ended":
        return RunEnded(detail)
    if outcome in ("moved", "elsewhere"):
        return RunMoved("the run goes on elsewhere")
    return AttemptStale("a newer attempt of this step has started")
