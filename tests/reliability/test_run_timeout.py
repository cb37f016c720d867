"""A run that takes longer than it may ends with code `timeout`."""

from collections.abc import Callable

from lab.model_server import Gate, ModelServer
from lab.sse import assert_whole, events_of, start_run
from tests.conftest import StartService


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
