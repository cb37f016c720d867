"""Create, claim, write, end and read runs. One call is one round trip, and any of them may be repeated."""

from __future__ import annotations

from orchestrator.runlog.attempts import Attempts
from orchestrator.runlog.lives import Lives
from orchestrator.runlog.reads import Reads


class RunLog(Lives, Attempts, Reads):
    """All of a run that is in Redis. ``ttl``, ``lease`` and ``stall`` in seconds, ``max_events``, ``max_bytes`` a run.

    ``lease`` is how long a running step may be silent, ``stall`` how long nothing may happen between two steps;
    ``redact`` masks secrets in text. ``reports_errors``: runs that end in an error are put on the list of the untold;
    ``traced``: see ``RunIndex``.
    """

    def sweep_projects(self) -> int:
        """Drop what projects held for runs that have expired; returns how many projects were looked at."""
        due = self.projects.due()
        for project_id in due:
            self.projects.swept(project_id, again=self.projects.sweep(project_id, self.stored))
        return len(due)
