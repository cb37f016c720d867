"""A run as the promises describe it, in plain Python: what the run log must agree with."""

from dataclasses import dataclass, field
from typing import Any

from orchestrator.runlog import AttemptStale, RunEnded, RunMissing

STEPS = ("one", "two")


@dataclass
class Attempt:
    """What one attempt has published so far, in its own order."""

    step: str
    number: int
    bodies: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    has_failed: bool = False


@dataclass
class Past:
    """How the attempts of a step before its current one ended."""

    failed: int = 0
    interrupted: int = 0
    spent: int = 0


@dataclass
class Reader:
    """A viewer that reconnects with its cursor; `seen` by id, `gaps` as it was told of them."""

    cursor: int = 0
    seen: dict[int, bytes] = field(default_factory=dict)
    gaps: set[int] = field(default_factory=set)


@dataclass
class Model:
    """A run as the promises describe it."""

    status: str | None = "queued"  # None: not stored (any more)
    events: list[dict[str, Any]] = field(default_factory=list)  # all, in order; ids are places
    trimmed: int = 0  # how many of the oldest are gone
    current: dict[str, Attempt] = field(default_factory=dict)
    past: dict[str, Past] = field(default_factory=lambda: {step: Past() for step in STEPS})
    engine_attempts: dict[str, int] = field(default_factory=dict)
    nonces: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.status in ("complete", "failed", "cancelled")

    def publish(self, **event: Any) -> int:
        self.events.append({"id": len(self.events) + 1, **event})
        return len(self.events)

    def refusal(self, attempt: Attempt) -> type[Exception] | None:
        if self.status is None:
            return RunMissing
        if self.ended:
            return RunEnded
        return None if self.current.get(attempt.step) is attempt and not attempt.has_failed else AttemptStale
