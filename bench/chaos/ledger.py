"""Compares what viewers were given with what is stored, and that with the promises."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import redis

from bench.chaos.viewers import Viewer, is_terminal
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.projects import ProjectFiles

JANITOR_SECONDS = 150.0  # it calls a workspace dead after a minute, and looks once a minute

Stored = list[tuple[int, bytes]]


@dataclass
class Losses:
    """What must all be zero. `notes` say where."""

    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    altered: int = 0
    stuck_viewers: int = 0
    bad_runs: int = 0
    steps_twice: int = 0
    runs_twice: int = 0
    wrong_projects: int = 0
    leftovers: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(value for value in vars(self).values() if isinstance(value, int))


def stored_events(client: "redis.Redis", run_id: str) -> Stored:
    entries: Any = client.xrange(f"agent:{{{run_id}}}:log")
    return [(int(entry_id.split(b"-")[0]), fields[b"e"]) for entry_id, fields in entries]


def count_runs(client: "redis.Redis") -> int:
    return sum(1 for _ in client.scan_iter("agent:{*}:run", count=1000))


def compare(stored: Stored, viewer: Viewer, losses: Losses) -> None:
    """Add what this viewer missed, got twice, out of order, or with other bytes."""
    expected = dict(stored)
    seen = [arrival.id for arrival in viewer.arrivals]
    lost = expected.keys() - set(seen)
    doubled = len(seen) - len(set(seen))
    disordered = sum(1 for before, after in pairwise(seen) if after < before)
    altered = sum(1 for arrival in viewer.arrivals if expected.get(arrival.id) != arrival.data)
    stuck = not viewer.has_ended
    if stuck:
        losses.stuck_viewers += 1  # what it has not got yet is not lost: it still waits
    else:
        losses.lost += len(lost) + viewer.gaps
    losses.doubled += doubled
    losses.disordered += disordered
    losses.altered += altered
    if (lost and not stuck) or doubled or disordered or altered or stuck or viewer.gaps:
        losses.notes.append(
            f"{viewer.name}: {len(seen)} of {len(stored)} events, last {viewer.last_id}, lost {sorted(lost)[:5]}, "
            f"doubled {doubled}, disordered {disordered}, altered {altered}, gaps {viewer.gaps}, "
            f"ended {viewer.has_ended}, refused {viewer.refused}"
        )


def examine(run_id: str, stored: Stored, losses: Losses) -> str:
    """Check a run's log by itself; returns how it ended."""
    ids = [number for number, _ in stored]
    ends = [number for number, data in stored if is_terminal(data)]
    events = [json.loads(data) for _, data in stored]
    faults = []
    if ids != list(range(1, len(ids) + 1)):
        faults.append("holes in its ids")
    if ends != ids[-1:]:
        faults.append(f"{len(ends)} terminal events of {len(ids)} events: {ends}")
    if torn := steps_from_several_attempts(events):
        faults.append(f"steps whose output comes from several attempts: {torn}")
    if faults:
        losses.bad_runs += 1
        losses.notes.append(f"{run_id}: {'; '.join(faults)}")
    return _end(events[-1]) if ends else "none"


def examine_project(client: "redis.Redis", run_id: str, stored: Stored, losses: Losses) -> None:
    """Check that the project holds what the run's ``complete`` says that it made."""
    end = json.loads(stored[-1][1])
    if end["type"] != "complete":
        return
    project: Any = client.hget(RunKeys(run_id).run, "projectId")
    projects = ProjectFiles(client)
    view = projects.view(project.decode(), projects.head(project.decode()))
    files = view.read_all([path for path, mark in view.marks.items() if mark.is_file])
    if {path: content.decode() for path, content in files.items()} != end["data"]["files"]:
        losses.wrong_projects += 1
        losses.notes.append(f"{run_id}: the project holds {sorted(files)}, the run made {sorted(end['data']['files'])}")


def examine_leftovers(sandboxes: Path, losses: Losses) -> None:
    """Check that no run's workspace stays: those of killed processes are the janitor's, which takes its time."""
    until = time.monotonic() + JANITOR_SECONDS
    while (left := sorted(path.name for path in sandboxes.glob("run_*"))) and time.monotonic() < until:
        time.sleep(1)
    losses.leftovers += len(left)
    losses.notes += [f"{name}: its workspace is still there" for name in left]


def steps_from_several_attempts(events: Sequence[dict[str, Any]]) -> list[str]:
    """Steps that a viewer who follows the rollbacks would still see the output of two attempts of."""
    standing = {event["id"]: event for event in events}
    for event in events:
        if event["type"] == "rollback":
            for number in range(event["data"]["fromId"], event["data"]["toId"] + 1):
                # Events of other steps may lie between; only the attempt's own are discarded.
                if standing.get(number, {}).get("step") == event["data"]["step"]:
                    del standing[number]
    attempts: dict[str, set[int]] = {}
    for event in standing.values():
        if event.get("step") and event["type"] != "rollback":
            attempts.setdefault(event["step"], set()).add(event["attempt"])
    return sorted(step for step, seen in attempts.items() if len(seen) > 1)


def steps_run_again(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Attempts that began after an earlier one had finished the step, by the services' own log."""
    finished: dict[tuple[str, str], int] = {}
    again = []
    for line in lines:
        if line["event"] not in ("step.started", "step.finished"):
            continue
        step, attempt = (line["run_id"], line["step"]), line["attempt"]
        if line["event"] == "step.finished":
            finished[step] = attempt
        elif attempt > finished.get(step, attempt):
            again.append(f"{' '.join(step)}: attempt {attempt} after {finished[step]} had finished")
    return again if finished else ["the log has no line of a finished step"]


def timestamp(event: bytes) -> float:
    """When a stored event was made, in seconds since the epoch."""
    return float(json.loads(event)["timestamp"]) / 1000


def ends_by_kind(ends: Iterable[str]) -> Counter[str]:
    return Counter(ends)


def _end(event: dict[str, Any]) -> str:
    return "complete" if event["type"] == "complete" else f"error ({event.get('code')})"
