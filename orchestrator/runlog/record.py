"""What the run log answers with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from orchestrator.access import RunOwner
from orchestrator.events import EndCode, RunRequested

NOBODY: Final = ""
"""The execution of a run that is not claimed."""

END_STATUSES: Final = frozenset({"complete", *get_args(EndCode)})


@dataclass(frozen=True)
class Begun:
    """How a step starts: with ``attempt``, or at once with the ``result`` it already has.

    Of the attempts before ``failed`` said that they had, using ``spent`` tokens; ``interrupted`` fell silent. Where
    the latest one's events were taken back only now, it is ``rolled_back``.
    """

    attempt: int
    failed: int = 0
    interrupted: int = 0
    spent: int = 0
    rolled_back: bool = field(default=False, compare=False)
    result: Any = None
    done: bool = False


@dataclass(frozen=True)
class Page:
    """Stored events with ids ``first`` … in order, as their exact bytes, and where the log stands."""

    status: str
    last: int
    first: int
    owner: RunOwner
    events: list[bytes]

    @property
    def end(self) -> int:
        """The id of the last event read; where none was, of the last one there is."""
        return self.first + len(self.events) - 1

    @property
    def has_more(self) -> bool:
        """Whether the log holds events behind this page."""
        return self.end < self.last

    @property
    def ended(self) -> bool:
        return self.status in END_STATUSES


@dataclass(frozen=True)
class RunRecord:
    """The run hash. Times are ms since the epoch."""

    run_id: str
    fields: dict[str, str]

    @property
    def status(self) -> str:
        return self.fields["status"]

    @property
    def ended(self) -> bool:
        return self.status in END_STATUSES

    @property
    def last(self) -> int:
        return int(self.fields["last"])

    @property
    def owner(self) -> RunOwner:
        return RunOwner(self.fields.get("caller", ""), self.fields.get("projectId", ""))

    @property
    def generation(self) -> int:
        """How often the run was given to an engine again."""
        return int(self.fields.get("generation", 0))

    @property
    def moves(self) -> int:
        """How often that was because an engine had lost it."""
        return int(self.fields.get("moves", 0))

    @property
    def began(self) -> int:
        """From when on its time counts, in ms: its start, or its turn in its project, without waits for its user."""
        return (self.time("releasedAt") or self.time("createdAt") or 0) + (self.time("waited") or 0)

    @property
    def waits_for(self) -> str | None:
        """The approval that the run waits for."""
        return self.fields.get("waitsFor")

    @property
    def request(self) -> RunRequested:
        """As an engine is asked for it now."""
        stored = RunRequested.model_validate_json(self.fields["request"])
        return stored.model_copy(update={"generation": self.generation})

    @property
    def ticket(self) -> str | None:
        """What the engine answered when it was given the run."""
        return self.fields.get(f"ticket:{self.generation}")

    @property
    def origin(self) -> dict[str, Any] | None:
        """From which run this one goes on; see ``orchestrator.web.answers.Origin``."""
        found: dict[str, Any] | None = json.loads(self.fields.get("origin", "null"))
        return found

    @property
    def brief(self) -> dict[str, Any]:
        """How it has ended, for lists: ``outcome`` and ``usage``, or ``error``."""
        found: dict[str, Any] = json.loads(self.fields.get("end", "{}"))
        return found

    def time(self, name: str) -> int | None:
        return int(self.fields[name]) if name in self.fields else None


@dataclass(frozen=True)
class Beat:
    """When an unfinished run was moved last and how long its next beat may take; ms by Redis' clock."""

    run_id: str
    engine: str
    at: int
    silence: int
    created: int
    """See ``RunRecord.began``."""
    step: str | None = None
    """The step that has begun and is not done."""
    done_step: str | None = None
    claimed: str | None = None
    project_id: str = ""
    noted: str = ""
    """What viewers were told about this standstill; it begins with ``at``."""
    waits_for: str | None = None
    """The approval that the run waits for; None where there is an answer."""
