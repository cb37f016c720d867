"""A step that fails for the moment is tried again soon, and what it had said is taken back."""

from collections.abc import Callable

import pytest

from lab.llm import Answer, Handler, fails, says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, run_to_end
from tests.inngest_runs.looking import kept, text_of


def breaks_off(handler: Handler) -> None:
    handler.start_stream()
    handler.send_delta(content="This half of an ")


@pytest.mark.parametrize(
    ("failure", "said_something"),
    [
        pytest.param(fails(429, retry_after="1"), False, id="rate-limit"),
        pytest.param(fails(500, retry_after="1"), False, id="server-error"),
        pytest.param(breaks_off, True, id="broken-off"),
    ],
)
def test_the_step_is_tried_again_and_the_run_completes(
    failure: Answer,
    said_something: bool,
    inngest_service: Service,
    model_server: ModelServer,
    unique: Callable[[str], str],
) -> None:
    """Seen failing with the publication of `rollback` removed from begin.lua."""
    prompt = model_server.script(unique("transient"), failure, says("Here ", "it is."))
    events = run_to_end(inngest_service, value=prompt)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert text_of(kept(events)).startswith("Here it is.")
    (rollback,) = [event for event in events if event["type"] == "rollback"]
    discarded = events[rollback["data"]["fromId"] - 1 : rollback["data"]["toId"]]
    assert {(event["step"], event["attempt"]) for event in discarded} == {("model-1", 0)}
    assert (rollback["data"]["step"], rollback["data"]["attempt"], rollback["attempt"]) == ("model-1", 0, 1)
    assert text_of(discarded) == ("This half of an " if said_something else "")
    again = [event for event in kept(events) if event["step"] == "model-1"]
    assert {event["attempt"] for event in again} == {1}
