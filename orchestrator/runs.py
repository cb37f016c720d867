"""Starting and cancelling runs: what the routes call."""

from __future__ import annotations

import logging
import secrets
import threading

from agent.messages import Value
from orchestrator.engines.dispatch import Choice, Dispatcher
from orchestrator.engines.inngest.engine import InngestEngine
from orchestrator.events import RunRequested, now_ms
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.runlog import RunLog, RunRecord
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import DIRECT_RUNS, INNGEST_RUNS, project_runs

log = logging.getLogger(__name__)


class TooManyRuns(Exception):
    """As many runs as allowed are unfinished."""


class Prompt(Value):
    """What a caller asks for."""

    project_id: str
    value: str
    model: str = "auto"


class Runs:
    def __init__(
        self,
        redis: Client,
        run_log: RunLog,
        dispatcher: Dispatcher,
        inngest: InngestEngine,
        keys: IdempotencyKeys,
        *,
        most: int,
        ttl: float,
    ) -> None:
        self._redis, self._log, self._dispatcher, self._inngest = redis, run_log, dispatcher, inngest
        self._keys, self._most, self._ttl = keys, most, int(ttl)

    def start(self, prompt: Prompt, caller: str, key: str | None) -> tuple[str, bool]:
        """Start a run, or find the one that the same ``key`` started; returns its id and whether it is new.

        Raises TooManyRuns, KeyReused and redis' errors.
        """
        run_id = f"run_{secrets.token_hex(12)}"
        if key is not None:
            run_id = self._keys.claim(caller, key, prompt.model_dump_json(), run_id)
            if self._log.exists(run_id):
                return run_id, False
        choice = self._dispatcher.choose()
        request = RunRequested(run_id=run_id, project_id=prompt.project_id, value=prompt.value, model=prompt.model)
        self._reserve(request, choice)
        self._log.create(request, choice.engine, choice.why)
        self._dispatcher.start(request, choice)
        log.info("run.accepted run_id=%s engine=%s model=%s", run_id, choice.engine, prompt.model)
        return run_id, True

    def cancel(self, run_id: str) -> RunRecord:
        """End the run as cancelled, with a receipt; its step notices within half a second. Raises RunMissing.

        A run that has ended before stays as it is.
        """
        if self._log.fail(run_id, "Cancelled on request", "cancelled", receipt=True):
            log.info("run.cancelled run_id=%s", run_id)
        record = self._log.record(run_id)
        if record.fields.get("engine") == "inngest" and record.status == "cancelled":
            threading.Thread(target=self._inngest.cancel, args=(run_id,), daemon=True).start()
        return record

    def _reserve(self, request: RunRequested, choice: Choice) -> None:
        """A place among the unfinished runs and in the project's list, before the run is stored. Raises TooManyRuns."""
        active, due = self._dispatcher.due(choice)
        pipe = self._redis.pipeline(transaction=False)  # the names are in different slots
        pipe.zcard(DIRECT_RUNS)
        pipe.zcard(INNGEST_RUNS)
        pipe.zadd(active, {request.run_id: due})
        pipe.zadd(project_runs(request.project_id), {request.run_id: now_ms()})
        pipe.expire(project_runs(request.project_id), self._ttl)
        direct, at_inngest, *_ = pipe.execute()
        if direct + at_inngest >= self._most:
            self._redis.zrem(active, request.run_id)
            self._redis.zrem(project_runs(request.project_id), request.run_id)
            raise TooManyRuns(f"{self._most} runs are unfinished; try again later")
