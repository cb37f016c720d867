"""The names in Redis; other programs rely on them. A run's keys share a hash tag: a cluster keeps them on one node."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

WATCH_LEASE = "agent:watch:lease"
REGISTER_LEASE = "agent:inngest:register"
REGISTRATION = "agent:inngest:registration"
REPORTS_LEASE = "agent:reports:lease"
UNTOLD = "agent:reports:untold"
TRACES = "agent:traces"
TRACES_LEASE = "agent:traces:lease"
NOTHING = "agent:nothing"
"""Never there: deleting it tells whether Redis takes writes."""

TOKEN_SECRET = "agent:tokens:secret"
"""What signs tokens where there is no SECRET_KEY: in development only."""


def unfinished(engine: str) -> str:
    return f"agent:active:{engine}"


def told(run_id: str) -> str:
    return f"agent:reports:told:{run_id}"


def channel(run_id: str) -> str:
    return f"agent:{run_id}"


def idempotency(digest: str) -> str:
    return f"agent:idempotency:{digest}"


def idempotency_of(run_id: str) -> str:
    """Which key has started the run."""
    return f"agent:idempotency:of:{run_id}"


def requests_of(count: str) -> str:
    return f"agent:requests:{count}"


def signature_seen(digest: str) -> str:
    return f"agent:inngest:signature:{digest}"


def project_files(project_id: str) -> str:
    return f"agent:project:{project_id}:files"


def projects_to_sweep() -> str:
    return "agent:projects:sweep"


def project_owner(project_id: str) -> str:
    return f"agent:project:{project_id}:owner"


def project_latest(project_id: str) -> str:
    return f"agent:project:{project_id}:latest"


def project_runs(project_id: str) -> str:
    return f"agent:project:{project_id}:runs"


def project_bytes(project_id: str) -> str:
    return f"agent:project:{project_id}:bytes"


def caller_projects(caller: str) -> str:
    return f"agent:caller:{caller}:projects"


def caller_runs(caller: str) -> str:
    return f"agent:caller:{caller}:runs"


def listed_of_caller(caller: str) -> str:
    return f"agent:caller:{caller}:listed"


def listed_of_project(project_id: str) -> str:
    return f"agent:project:{project_id}:listed"


@dataclass(frozen=True)
class RunKeys:
    run_id: str

    @cached_property
    def channel(self) -> str:
        return channel(self.run_id)

    @cached_property
    def log(self) -> str:
        return f"agent:{{{self.run_id}}}:log"

    @cached_property
    def run(self) -> str:
        return f"agent:{{{self.run_id}}}:run"

    @cached_property
    def steps(self) -> str:
        return f"agent:{{{self.run_id}}}:steps"

    @cached_property
    def files(self) -> str:
        return f"agent:{{{self.run_id}}}:files"

    @cached_property
    def inbox(self) -> str:
        """What the user has said to the run."""
        return f"agent:{{{self.run_id}}}:inbox"

    @cached_property
    def journal(self) -> str:
        """Step → what became of its attempts."""
        return f"agent:{{{self.run_id}}}:journal"

    @cached_property
    def undo(self) -> str:
        """What leads from the run's files back to what they were after an earlier step."""
        return f"agent:{{{self.run_id}}}:undo"

    @property
    def all(self) -> list[str]:
        """In the order in which every script takes them."""
        place = f"agent:{{{self.run_id}}}:"  # asked for with every call, so not put together from the properties
        return [place + part for part in ("run", "log", "steps", "files", "inbox", "journal", "undo")]

    def staged(self, nonce: str) -> list[str]:
        """Where all of a run but its hash lies until it is whole."""
        return [f"{name}:staged:{nonce}" for name in self.all[1:]]
