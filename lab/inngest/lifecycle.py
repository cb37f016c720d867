"""The events that the server itself sends when a run ends (pkg/execution/executor/finalize.go)."""

import time

from lab.inngest.model import CANCELLED, COMPLETED, FAILED, Json, Run, ulid

FINISHED_EVENT = "inngest/function.finished"
FAILED_EVENT = "inngest/function.failed"
CANCELLED_EVENT = "inngest/function.cancelled"


def end_events(run: Run) -> list[Json]:
    """`finished` always, plus `failed` or `cancelled`; nothing about runs that handle such an event themselves."""
    if run.event["name"] in (FINISHED_EVENT, FAILED_EVENT):
        return []
    data = _data(run)
    now = time.time_ns() // 1_000_000
    events = [{"id": ulid(), "name": FINISHED_EVENT, "ts": now, "data": data}]
    if name := {FAILED: FAILED_EVENT, CANCELLED: CANCELLED_EVENT}.get(run.status):
        events.append({"id": run.id, "name": name, "ts": now, "data": data})
    return events


def _data(run: Run) -> Json:
    data = {
        "function_id": run.function.id,
        "run_id": run.id,
        "event": run.event,
        "events": [run.event],
        "_inngest": {"status": run.status},
    }
    if run.status == COMPLETED:
        data["result"] = run.output
    if run.status == FAILED:
        data["error"] = run.output
    return data
