"""Ends a run for its viewers when its execution at Inngest has ended, unless the run has moved on."""

from __future__ import annotations

from typing import Any, Literal

from orchestrator.engines.inngest.functions.dependencies import Dependencies
from orchestrator.engines.inngest.step import execution_of
from orchestrator.events import RunRequested
from orchestrator.patience import patiently
from orchestrator.runlog import NOBODY, RunMissing, RunMoved, RunRecord


def end_run(
    dependencies: Dependencies,
    request: RunRequested,
    inngest_run: Any,
    message: str,
    code: Literal["failed", "cancelled"],
    *,
    receipt: bool = False,
) -> str:
    """Returns the run's status now, ``moved`` where it goes on elsewhere.

    ``request`` is what the execution was started for, ``inngest_run`` its id at Inngest.
    """
    run_id = request.run_id
    try:
        record = patiently(dependencies.log.record, run_id)
        # Before its first step an execution has claimed nothing; a run that waits for its user is nobody's, too.
        is_here = record.generation == request.generation and record.fields["engine"] == "inngest"
        unclaimed = is_here and "claimed" not in record.fields
        execution = NOBODY if unclaimed else execution_of(str(inngest_run))
        patiently(dependencies.log.fail, run_id, message, code, receipt=receipt, execution=execution)
        record = patiently(dependencies.log.record, run_id)
    except RunMoved:
        return "moved"
    except RunMissing:
        record = RunRecord(run_id, {"status": "lost"})
    dependencies.coder.clean_up(run_id)
    return record.status
