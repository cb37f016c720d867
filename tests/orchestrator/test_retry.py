"""When a failed step is tried again."""

import pytest

from agent.errors import TransientError
from orchestrator.drain import Interrupted
from orchestrator.steps.retry import DELAYS, JITTER, LONGEST_DELAY, RETRIES, delay_before


@pytest.mark.parametrize("attempt", range(6))
@pytest.mark.parametrize("error", [ValueError("a bug"), TransientError("busy")])
def test_delays_grow_with_jitter_and_stay_bounded(attempt: int, error: Exception) -> None:
    expected = DELAYS[min(attempt, len(DELAYS) - 1)]
    drawn = [delay_before(attempt, error) for _ in range(200)]
    assert all(expected * (1 - JITTER) <= delay <= expected * (1 + JITTER) for delay in drawn)
    assert len(set(drawn)) > 1


@pytest.mark.parametrize(("wanted", "granted"), [(0, 0), (2.5, 2.5), (60, 60), (3600, LONGEST_DELAY)])
def test_an_error_that_names_a_delay_gets_it(wanted: float, granted: float) -> None:
    assert delay_before(2, TransientError("busy", delay=wanted)) == granted


def test_an_interrupted_step_goes_on_elsewhere_at_once() -> None:
    assert delay_before(0, Interrupted()) == 0


def test_each_retry_has_its_delay() -> None:
    assert len(DELAYS) == RETRIES
