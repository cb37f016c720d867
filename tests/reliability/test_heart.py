"""A step that says nothing for long still lives; one whose process is gone does not."""

import time
from collections.abc import Iterator

import pytest
import redis

from agent.protocols import Emit
from orchestrator.drain import Drain
from orchestrator.events import RunRequested
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.steps import DurableSteps, EmitterSettings, heart
from tools.processes import wait_until
from tools.redis_server import RedisServer

LEASE_SECONDS = 0.6


@pytest.fixture
def quick_log(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunLog]:
    monkeypatch.setattr(heart, "BEAT_SECONDS", LEASE_SECONDS / 3)
    with redis.Redis.from_url(redis_url) as client:
        log = RunLog(client, lease=LEASE_SECONDS)
        log.create(RunRequested(run_id="run_heart", project_id="p", value="v"), "direct", "Accepted")
        yield log


def test_a_redis_that_was_full_gets_beats_again(own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heart stopped for ever at the first beat that was refused: silent steps were taken for dead."""
    monkeypatch.setattr(heart, "BEAT_SECONDS", 0.02)
    with redis.Redis.from_url(own_redis.url) as client:
        log = RunLog(client)
        log.create(RunRequested(run_id="run_full", project_id="p", value="v"), "direct", "Accepted")
        attempt = log.begin("run_full", "work", 0, "nonce").attempt
        client.config_set("maxmemory", 1)
        with heart.Heart(log).beating("run_full", "work", attempt):
            wait_until(lambda: "errorstat_OOM" in client.info("errorstats"), 10, "a beat to be refused")
            client.config_set("maxmemory", 0)
            before = last_beat(log, "run_full")
            wait_until(lambda: last_beat(log, "run_full") > before, 10, "a beat")


def last_beat(log: RunLog, run_id: str) -> int:
    beat = log.beat(run_id)
    assert beat is not None
    return beat.at


def test_a_silent_step_keeps_its_lease(quick_log: RunLog) -> None:
    """A body that blocks cannot call `check`. Without the heart it was taken for dead, and ran a second time."""
    steps = DurableSteps(quick_log, EmitterSettings(redact=Redactor.from_environment({}), drain=Drain(1.0)))
    overdue: list[bool] = []

    def blocks(emit: Emit) -> str:
        until = time.monotonic() + 3 * LEASE_SECONDS
        while time.monotonic() < until:
            now, beats = quick_log.beats(["run_heart"])
            beat = beats["run_heart"]
            overdue.append(beat is None or now > beat.at + beat.silence)
            time.sleep(0.02)
        return "done"

    steps.attempt("run_heart", "work", blocks)
    assert overdue
    assert not any(overdue)
