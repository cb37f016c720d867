"""Of which runs an error is told, how often, and for how long it is tried. A real Redis; destinations by script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from agent.errors import AgentError, PermanentError, TransientError
from orchestrator.destinations import ErrorReports, error_reports
from orchestrator.destinations.protocol import Letter
from orchestrator.drain import Drain
from orchestrator.events import RunRequested
from orchestrator.runlog import RunLog
from orchestrator.runlog.keys import UNTOLD
from orchestrator.runlog.lease import Lease

DONE: dict[str, Any] = {"outcome": "done", "files": {}, "summary": "x"}


class Scripted:
    name = "scripted"
    title = "a script"

    def __init__(self, *, takes_errors: bool = True) -> None:
        self.takes_errors = takes_errors
        self.letters: list[Letter] = []
        self.trouble: AgentError | None = None

    def send(self, letter: Letter) -> None:
        self.letters.append(letter)
        if self.trouble is not None:
            raise self.trouble


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def run_log(client: redis.Redis) -> RunLog:
    return RunLog(client, reports_errors=True)


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def reports(run_log: RunLog, client: redis.Redis, scripted: Scripted) -> ErrorReports:
    deaf = Scripted(takes_errors=False)
    deaf.trouble = PermanentError("nobody asked for this")
    return ErrorReports([deaf, scripted], run_log, Lease(client, "tests:reports", "me", 5), Drain(1))


@pytest.fixture
def run_id(run_log: RunLog, unique: Callable[[str], str]) -> str:
    request = RunRequested(run_id=unique("run"), project_id="tests", value="something")
    run_log.create(request, "direct", "Accepted")
    return request.run_id


def due_in(client: redis.Redis, run_id: str, run_log: RunLog) -> float | None:
    """Seconds until it is told."""
    score = client.zscore(UNTOLD, run_id)
    seconds, microseconds = client.time()
    return None if score is None else float(score) / 1000 - seconds - microseconds / 1e6


def test_an_error_is_told_once_however_often_it_is_ended(
    reports: ErrorReports, run_log: RunLog, run_id: str, scripted: Scripted
) -> None:
    run_log.fail(run_id, "It broke", "timeout")
    run_log.fail(run_id, "It broke", "cancelled")
    assert reports.tell_one() and not reports.tell_one()
    run_log.fail(run_id, "It broke", "cancelled")
    assert not reports.tell_one()
    assert scripted.letters == [Letter("run.error", run_id, "tests", {"error": "It broke", "code": "timeout"})]


def test_who_was_to_end_in_an_error_and_completed_is_not_told(
    reports: ErrorReports, run_log: RunLog, run_id: str, scripted: Scripted
) -> None:
    run_log.complete(run_id, DONE)
    run_log.fail(run_id, "Too late", "cancelled")
    reports.tell_one()
    assert not scripted.letters and not run_log.untold.due(1)


def test_an_end_that_was_announced_and_never_came_is_looked_at_again(
    reports: ErrorReports, run_log: RunLog, run_id: str, client: redis.Redis, scripted: Scripted
) -> None:
    """Its process died in between: another one goes on with the run, and may yet end it."""
    run_log.untold.add(run_id)
    reports.tell_one()
    assert not scripted.letters
    assert 20 < (due_in(client, run_id, run_log) or 0) <= error_reports.UNENDED_SECONDS


def test_a_run_that_is_not_stored_any_more_is_dropped(
    reports: ErrorReports, run_log: RunLog, client: redis.Redis
) -> None:
    run_log.untold.add("run_of_last_week")
    reports.tell_one()
    assert not client.exists(UNTOLD)


@pytest.mark.parametrize(
    ("trouble", "pause"),
    [
        pytest.param(TransientError("it answered 500"), 1.0, id="soon"),
        pytest.param(TransientError("it answered 429", 25.0), 25.0, id="when it is asked to"),
        pytest.param(PermanentError("it answered 410"), None, id="never"),
    ],
)
def test_what_may_pass_is_told_again(
    trouble: AgentError,
    pause: float | None,
    reports: ErrorReports,
    run_log: RunLog,
    run_id: str,
    client: redis.Redis,
    scripted: Scripted,
) -> None:
    scripted.trouble = trouble
    run_log.fail(run_id, "It broke", "failed")
    goes_on = reports.tell_one()
    wait = due_in(client, run_id, run_log)
    assert goes_on is (pause is None), "where nobody takes letters just now, the others wait, too"
    assert wait is None if pause is None else wait is not None and pause - 1 < wait <= pause


def test_it_is_not_tried_for_ever(
    reports: ErrorReports, run_log: RunLog, run_id: str, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_reports, "PATIENCE_SECONDS", -1.0)
    scripted.trouble = TransientError("it answered 500")
    run_log.fail(run_id, "It broke", "failed")
    assert reports.tell_one() and not reports.tell_one()
