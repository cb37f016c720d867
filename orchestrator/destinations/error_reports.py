"""Tells the destinations that want it of runs that ended in an error, whoever ended them: a step, a caller, the watch.

Such a run takes no steps any more, and its viewers are told already. So this works off a list that runs are put on when
they end (``runlog/untold.py``): one process at a time, until it is taken or ``PATIENCE_SECONDS`` are over.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Final

from redis.exceptions import RedisError

from agent.errors import PermanentError, TransientError
from orchestrator.destinations.protocol import Destination, Letter
from orchestrator.drain import Drain
from orchestrator.events import now_ms
from orchestrator.logs import bound, get_logger
from orchestrator.runlog import RunLog, RunMissing, RunRecord
from orchestrator.runlog.causes import cause
from orchestrator.runlog.lease import Lease

LOOK_SECONDS: Final = 1.0
LEASE_SECONDS: Final = 15.0
"""Longer than a letter takes."""
PATIENCE_SECONDS: Final = 600.0
"""How long after its end a run's error is tried to be told."""
FIRST_PAUSE: Final = 1.0
"""Seconds. Each pause is as long as all before it together: about ten attempts."""
UNENDED_SECONDS: Final = 30.0
"""When to look again at a run whose process died just before it ended it."""

log = get_logger(__name__)


class ErrorReports:
    def __init__(self, destinations: Sequence[Destination], run_log: RunLog, lease: Lease, drain: Drain) -> None:
        self._destinations = [each for each in destinations if each.takes_errors]
        self._log, self._lease, self._drain = run_log, lease, drain

    def start(self) -> None:
        """Tell from now on, in the background. Call once, after the fork."""
        if self._destinations:
            threading.Thread(target=self._keep_telling, name="error-reports", daemon=True).start()

    def _keep_telling(self) -> None:
        while not self._drain.started.wait(LOOK_SECONDS):
            try:
                while self._lease.mine() and self.tell_one():
                    pass
            except (RedisError, OSError) as error:
                log.warning("reports.redis_away", reason=cause(error))
            except Exception:
                log.exception("reports.crashed")

    def tell_one(self) -> bool:
        """Settle the run that is due first. False where there is none, or where nobody takes letters just now."""
        for run_id in self._log.untold.due(1):
            with bound(run_id=run_id):
                try:
                    return self._settle(self._log.record(run_id))
                except RunMissing:
                    self._log.untold.remove(run_id)
                    return True
        return False

    def _settle(self, record: RunRecord) -> bool:
        if not record.ended:
            self._log.untold.later(record.run_id, UNENDED_SECONDS)
            return True
        letter = self._letter(record)
        if letter is None:
            self._log.untold.remove(record.run_id)
            return True
        try:
            for destination in self._destinations:
                destination.send(letter)
            log.info("report.taken")
        except TransientError as error:
            age = (now_ms() - (record.time("endedAt") or 0)) / 1000
            if age < PATIENCE_SECONDS:
                log.info("report.later", reason=str(error))
                self._log.untold.later(record.run_id, error.delay or max(FIRST_PAUSE, age))
                return False
            log.warning("report.failed", reason=str(error))
        except PermanentError as error:
            log.warning("report.failed", reason=str(error))
        self._log.untold.told(record.run_id)
        return True

    def _letter(self, record: RunRecord) -> Letter | None:
        """None where nobody has to be told: it has completed all the same."""
        event = self._log.end_event(record.run_id)
        if record.status == "complete" or event is None:
            return None
        end = json.loads(event)
        data = {"error": end["data"], "code": end["code"]}
        return Letter("run.error", record.run_id, record.fields["projectId"], data)
