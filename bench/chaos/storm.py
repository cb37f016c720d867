"""One storm over one engine: runs start one after another while faults go on, then everything is counted."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from bench.chaos.clients import Starter, WatchedRun
from bench.chaos.faults import Breaker
from bench.chaos.ledger import (
    Losses,
    compare,
    count_runs,
    examine,
    examine_leftovers,
    examine_project,
    steps_run_again,
    stored_events,
)
from bench.chaos.scene import Engine, Scene, scene

LEAST_PAUSE, MOST_PAUSE = 0.1, 5.0  # seconds between two faults
SAY_EVERY = 25
CANCELLED_SHARE = 0.12
CANCEL_AFTER = (0.5, 5.0)
KILL_TO_CUT_SECONDS = 0.5  # a viewer's connection that breaks this soon after a worker kill broke because of it


@dataclass(frozen=True)
class Plan:
    """`seconds` for starting all runs and injecting all faults, `calm` more for the last run to end."""

    engine: Engine
    runs: int
    faults: int
    seconds: float
    calm: float


@dataclass
class Outcome:
    plan: Plan
    faults: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    events: int = 0
    connections: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    losses: Losses = field(default_factory=Losses)
    recovery: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    cancel: list[float] = field(default_factory=list)
    silence: list[float] = field(default_factory=list)


def storm(plan: Plan, folder: Path, say: Callable[[str], None]) -> Outcome:
    outcome = Outcome(plan)
    with scene(plan.engine, folder) as stage:
        breaker = Breaker(stage)
        starters = make_starters(plan, stage)
        for starter in starters:
            starter.start()
        try:
            _break_for(plan, breaker, say)
        finally:
            breaker.close()
        watched = wait_for_all(starters, time.monotonic() + plan.calm, outcome)
        outcome.faults = breaker.total()
        count(watched, stage, breaker, plan, outcome)
    return outcome


def make_starters(plan: Plan, stage: Scene, *, cancel: bool = True) -> list[Starter]:
    apart = plan.seconds * 0.9 / plan.runs
    cancelled = set(random.sample(range(plan.runs), max(1, round(plan.runs * CANCELLED_SHARE)) if cancel else 0))
    return [
        Starter(
            stage.service.url,
            stage.service.port,
            number * apart,
            random.uniform(*CANCEL_AFTER) if number in cancelled else None,
        )
        for number in range(plan.runs)
    ]


def _break_for(plan: Plan, breaker: Breaker, say: Callable[[str], None]) -> None:
    """Faults at random times; some block for a moment, so the rest come a little faster."""
    started = time.monotonic()
    said = 0
    while (done := breaker.total().total()) < plan.faults:
        left = started + plan.seconds - time.monotonic()
        if left < -plan.seconds / 2:
            return  # so slow a machine gets fewer faults, and the table says how many
        pause = random.uniform(0.2, 1.8) * left / (plan.faults - done)
        time.sleep(min(max(pause, LEAST_PAUSE), MOST_PAUSE))
        if not breaker.service_is_alive():
            raise RuntimeError("gunicorn's master has ended, which no fault here does; see the log (--keep)")
        breaker.break_something()
        if done >= said + SAY_EVERY:
            said = done
            say(f"{plan.engine}: {done} faults after {time.monotonic() - started:.0f} s")


def wait_for_all(starters: list[Starter], until: float, outcome: Outcome) -> list[WatchedRun]:
    watched = []
    for starter in starters:
        starter.join(max(0.0, until - time.monotonic()))
        if starter.failure or starter.watched is None:
            outcome.losses.bad_runs += 1
            outcome.losses.notes.append(f"a run could not be started or cancelled: {starter.failure or 'still trying'}")
        if starter.watched:
            watched.append(starter.watched)
    for run in watched:
        for viewer in run.viewers:
            viewer.join(max(0.0, until - time.monotonic()))
            viewer.leave.set()
    return watched


def count(watched: list[WatchedRun], stage: Scene, breaker: Breaker, plan: Plan, outcome: Outcome) -> None:
    losses = outcome.losses
    outcome.runs += len(watched)
    with redis.Redis.from_url(stage.redis.url) as client:
        for run in watched:
            stored = stored_events(client, run.run_id)
            outcome.events += len(stored)
            outcome.ends[examine(run.run_id, stored, losses)] += 1
            examine_project(client, run.run_id, stored, losses)
            for viewer in run.viewers:
                compare(stored, viewer, losses)
                outcome.connections += viewer.connections
        losses.runs_twice += max(0, count_runs(client) - plan.runs)
    examine_leftovers(Path(stage.service.env["AGENT_SANDBOX_DIR"]), losses)
    again = steps_run_again(stage.service.log_lines())
    losses.steps_twice += len(again)
    losses.notes += again
    for run in watched:
        _measure(run, breaker, outcome)


def _measure(run: WatchedRun, breaker: Breaker, outcome: Outcome) -> None:
    for viewer in run.viewers:
        for recovery in viewer.recoveries:
            if any(0 <= recovery.lost - kill < KILL_TO_CUT_SECONDS for kill in breaker.worker_kills):
                # Another fault may have struck before anything came: then the wait counts from that one.
                latest = max((at for at in breaker.disturbances if at < recovery.event), default=recovery.lost)
                outcome.recovery.append(recovery.event - max(recovery.lost, latest))
                outcome.late.append(recovery.late)
    seconds = run.seconds_to_cancel()
    if seconds is not None:
        outcome.cancel.append(seconds)
