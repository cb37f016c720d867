"""To whom projects belong: the name of the caller who was first. Whose a run is stands in its hash."""

from __future__ import annotations

import time
from typing import Any

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import caller_projects, project_owner
from orchestrator.runlog.projects import PROJECT_TTL


class UnknownProject(Exception):
    """Another caller's project, which looks like one that is not there."""


class ProjectOwners:
    """A project is taken by the first who starts a run on it, and stays theirs as long as its files are kept."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    def ask(self, pipe: Any, project_id: str) -> None:
        """Add a command to ``pipe`` whose reply is the owner, or None."""
        pipe.get(project_owner(project_id))

    def ask_to_take(self, pipe: Any, project_id: str, caller: str) -> None:
        """Add three commands to ``pipe``; the last one's reply is the owner. Of two first callers Redis takes one."""
        name = project_owner(project_id)
        pipe.set(name, caller, nx=True)
        pipe.expire(name, PROJECT_TTL)
        pipe.get(name)

    def take(self, project_id: str, caller: str) -> str:
        """The project's owner: ``caller``, where it had none."""
        pipe = self._redis.pipeline(transaction=False)
        self.note(pipe, project_id, caller)
        self.ask_to_take(pipe, project_id, caller)
        owner: bytes = pipe.execute()[-1]
        return owner.decode()

    def owner(self, project_id: str) -> str | None:
        owner: bytes | None = self._redis.get(project_owner(project_id))
        return None if owner is None else owner.decode()

    def note(self, pipe: Any, project_id: str, caller: str) -> None:
        """Add commands to ``pipe`` that put the project first among its caller's."""
        pipe.zadd(caller_projects(caller), {project_id: time.time() * 1000})
        pipe.expire(caller_projects(caller), PROJECT_TTL)

    def may_use(self, project_id: str, caller: str) -> bool:
        """Whether it is ``caller``'s, or nobody's yet."""
        return self.owner(project_id) in (None, caller)
