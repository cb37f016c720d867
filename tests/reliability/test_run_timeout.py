"""A run that takes longer than it may ends with code `timeout`."""

from collections.abc import Callable

import pytest

from orchestrator.engines.inngest.engine import Standing
from orchestrator.engines.watch import GRACE_SECONDS, SweepLimits
from tests.conftest import StartService
from tests.support.model_server import Gate, ModelServer
from tests.support.sse import assert_whole, events_of, start_run


def test_a_silent_model_does_not_keep_a_run_for_ever(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Without agent/deadline.py the viewer waited until its time-out, and the model was listened to for ever."""
    gate = Gate()
    service = start_service(workers=1, AGENT_RUN_TIMEOUT="2", **model_server.environment())
    run_id = start_run(service, value=model_server.script(unique("silent"), gate))
    events = events_of(service, run_id)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "timeout")
    assert gate.was_hung_up.wait(20)


@pytest.mark.parametrize(
    ("standing", "age", "code"),
    [
        ("active", 59.0, None),
        ("active", 100.0 + GRACE_SECONDS + 1, "timeout"),
        ("unknown", 60.0, None),  # Inngest gave no answer: that alone ends nothing
        ("unknown", 100.0 + GRACE_SECONDS + 1, "timeout"),
        ("absent", 4.0, None),  # it may still be on its way
        ("absent", 6.0, "lost"),
        ("complete", 1.0, "lost"),
        ("failed", 1.0, "lost"),
        ("cancelled", 1.0, "cancelled"),
    ],
)
def test_the_sweep_ends_what_nothing_moves_any_more(standing: Standing, age: float, code: str | None) -> None:
    """The waits of the real rules are too long for a test of the whole service."""
    verdict = SweepLimits(pickup=5.0, run=100.0).verdict(standing, age)
    assert (verdict and verdict[0]) == code
