"""What an engine is: something that calls a run's steps, again and again, until the run has ended.

To add one: implement ``Engine`` in one file, and name it in ``registry.py``. How to run a step is not its business
(``steps/durable.py``), nor is finding out that it died (``watch.py``).
"""

from __future__ import annotations

from typing import Literal, Protocol

from orchestrator.events import RunRequested
from orchestrator.runlog import RunRecord

Standing = Literal["unknown", "untaken", "absent", "active", "complete", "failed", "cancelled"]
"""How a run stands at its engine. ``unknown``: no answer. ``untaken``: it has not acknowledged the run yet.
``absent``: it answered that it has no such run."""


class EngineAway(Exception):
    """The engine did not answer; whether it has the run is not known."""


class EngineRefused(Exception):
    """The engine answered that it does not take the run; asking again would not help."""


class Engine(Protocol):
    name: str
    """As AGENT_ENGINE names it; a run's executions claim it as ``<name>:<something>``."""
    title: str
    """Who runs the steps, for people."""
    places: int
    """How many steps (or whole runs) it executes at a time."""

    watched: bool
    """Whether its runs must be looked after; not where it takes over by itself what a dead process had."""

    def available(self) -> bool:
        """Whether a new run may be given to it now. Called for each run, so the answer may be a second old."""

    def has_room(self) -> bool:
        """Whether a run that lost its engine would be gone on with at once."""

    def submit(self, request: RunRequested) -> str | None:
        """Take over a stored run; asked twice for the same generation it starts it once. May block for seconds.

        Returns what it answered, kept as the run's ``ticket``. Raises EngineAway, EngineRefused.
        """

    def standing(self, record: RunRecord) -> Standing:
        """How it says that the run stands; asked only where the run stands still. May block for seconds."""

    def cancel(self, run_id: str) -> None:
        """Stop driving a run that has ended; best effort. May block for seconds."""

    def start(self) -> None:
        """Begin the background work, if there is any. Called once per web process, after the fork."""

    def join(self) -> None:
        """Wait for what runs in this process; no new step begins once the drain has started."""
