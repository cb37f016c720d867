"""A real browser's EventSource: every event once, in order, also when the server's worker is killed in between."""

from collections.abc import Callable

import pytest

from lab.browser import Browser
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import events_of, start_run
from tests.conftest import StartService

LISTEN = """
window.seen = [];
window.opened = 0;
window.source = new EventSource('/agent/run/%s/events');
source.onopen = () => opened++;
source.onmessage = message => {
  const event = JSON.parse(message.data);
  seen.push([message.lastEventId, event.id, event.type]);
  if (event.type === 'complete' || event.type === 'error') source.close();
};
"""


@pytest.mark.browser
def test_an_event_source_sees_every_event_once_over_the_death_of_its_worker(
    start_service: StartService, browser: Browser, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate, again = Gate(), Gate()
    service = start_service(workers=1, **model_server.environment())
    run_id = start_run(service, value=model_server.script(unique("browser"), gate, again))
    gate.wait_until_asked()
    gate.say("before ")
    browser.open(f"{service.url}/healthz", as_page=True)
    browser.evaluate(LISTEN % run_id)
    browser.wait_for("seen.some(event => event[2] === 'text')")

    service.kill_worker()
    again.wait_until_asked()
    again.finish("after")
    browser.wait_for("seen.some(event => event[2] === 'complete')", 60)
    seen = browser.evaluate("seen")
    expected = [[str(event["id"]), event["id"], event["type"]] for event in events_of(service, run_id)]
    assert seen == expected
    assert [number for _, number, _ in seen] == list(range(1, len(seen) + 1))
    assert browser.evaluate("opened") >= 2
    assert browser.evaluate("source.readyState") == 2  # closed by the page, not by an error


@pytest.mark.browser
def test_an_event_source_that_is_not_closed_stops_by_itself_at_the_end(service: Service, browser: Browser) -> None:
    """It reconnects when the stream ends, gets 204, and stops: that is what 204 is for."""
    run_id = start_run(service, model="offline")
    browser.open(f"{service.url}/healthz", as_page=True)
    browser.evaluate(LISTEN.replace("source.close()", "null") % run_id)
    browser.wait_for("source.readyState === EventSource.CLOSED", 60)
    assert [event[1] for event in browser.evaluate("seen")] == [event["id"] for event in events_of(service, run_id)]
