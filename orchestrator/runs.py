"""Starting and cancelling runs: what the routes call."""

from __future__ import annotations

import logging
import secrets

from agent.messages import Value
from orchestrator.engines.dispatch import Dispatcher
from orchestrator.events import RunRequested
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.runlog import RunLog, RunRecord

log = logging.getLogger(__name__)


class TooManyRuns(Exception):
    """As many runs as allowed are unfinished."""


class Prompt(Value):
    """What a caller asks for."""

    project_id: str
    value: str
    model: str = "auto"


class Runs:
    """``most`` is how many may be unfinished."""

    def __init__(self, run_log: RunLog, dispatcher: Dispatcher, keys: IdempotencyKeys, *, most: int) -> None:
        self._log, self._dispatcher, self._keys, self._most = run_log, dispatcher, keys, most

    def start(self, prompt: Prompt, caller: str, key: str | None) -> tuple[str, bool]:
        """Start a run, or find the one that the same ``key`` started; returns its id and whether it is new.

        Raises TooManyRuns, KeyReused and redis' errors.
        """
        run_id = f"run_{secrets.token_hex(12)}"
        if key is not None:
            run_id = self._keys.claim(caller, key, prompt.model_dump_json(), run_id)
            if self._log.exists(run_id):
                return run_id, False
        if self._dispatcher.unfinished() >= self._most:
            raise TooManyRuns(f"{self._most} runs are unfinished; try again later")
        choice = self._dispatcher.choose(prompt.project_id)
        request = RunRequested(run_id=run_id, project_id=prompt.project_id, value=prompt.value, model=prompt.model)
        self._dispatcher.reserve(run_id, choice)
        self._log.create(request, choice.engine, choice.why)
        self._dispatcher.start(request, choice.engine)
        log.info("run.accepted run_id=%s engine=%s model=%s", run_id, choice.engine, prompt.model)
        return run_id, True

    def cancel(self, run_id: str) -> RunRecord:
        """End the run as cancelled, with a receipt; its step notices within half a second. Raises RunMissing.

        A run that has ended before stays as it is.
        """
        if self._log.fail(run_id, "Cancelled on request", "cancelled", receipt=True):
            log.info("run.cancelled run_id=%s", run_id)
        record = self._log.record(run_id)
        if record.status == "cancelled":
            self._dispatcher.cancel(run_id, record.fields["engine"])
        return record
