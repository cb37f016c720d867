"""A run that waits for its user has no execution at Inngest: its answer starts another one, which goes on."""

from collections.abc import Callable

from lab.approvals import answer, wait_until_asked
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import assert_whole, events_of, start_run
from tests.reliability.scripts import DONE, runs


def test_the_run_goes_on_when_it_is_allowed(
    inngest_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(unique("allow"), runs("echo ask-me > a.txt"), DONE)
    run_id = start_run(inngest_service, projectId=prompt, value=prompt)
    wait_until_asked(inngest_service, run_id)
    assert answer(inngest_service, run_id, allow=True).status_code == 202
    events = events_of(inngest_service, run_id)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["data"]["files"]) == ("complete", {"a.txt": "ask-me\n"})
    assert model_server.calls(prompt) == 2
