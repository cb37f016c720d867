"""clients/python and clients/js against a real service: kills, refused tokens, steering, cancelling."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from runwire_client import Runwire, RunwireError, fold

from lab.model_server import Gate, ModelServer
from lab.sse import events_of
from tests.conftest import StartService
from tests.http.callers import KEYS, WEB
from tools.clients import build, run_node

Unique = Callable[[str], str]


def test_the_python_client_goes_on_over_a_kill_and_shows_no_discarded_word(
    start_service: StartService, model_server: ModelServer, unique: Unique
) -> None:
    gate, again = Gate(), Gate()
    service = start_service(workers=1, **model_server.environment())
    with Runwire(service.url) as client:
        run = client.start(unique("p"), model_server.script(unique("python"), gate, again))
        states: list[dict[str, Any]] = []
        watching = threading.Thread(target=lambda: states.extend(map(dict, run.states())), daemon=True)
        watching.start()
        gate.wait_until_asked()
        gate.say("discarded ")
        service.kill_worker()
        again.wait_until_asked()
        again.finish("what counts")
        watching.join(60)
    assert states[-1]["end"]["type"] == "complete"
    assert states[-1] == fold(events_of(service, run.run_id))
    assert "discarded" not in states[-1]["text"]


def test_the_python_client_renews_a_refused_token_steers_and_cancels(
    start_service: StartService, model_server: ModelServer, unique: Unique
) -> None:
    gate, tokens = Gate(), iter(["rwt_refused", WEB])
    service = start_service(workers=1, AGENT_API_KEYS=KEYS, **model_server.environment())
    with Runwire(service.url, token=lambda: next(tokens)) as client:
        run = client.start(unique("p"), model_server.script(unique("python"), gate))
        gate.wait_until_asked()
        run.steer("in blue")
        run.cancel()
        *_, state = run.states()
        assert state["messages"] == ["in blue"]
        assert state["end"]["code"] == run.show()["status"] == "cancelled"
        with pytest.raises(RunwireError) as refusal:
            client.run("unknown").show()
    assert (refusal.value.status, refusal.value.is_temporary) == (404, False)


def test_the_javascript_client_renews_a_refused_token_steers_and_cancels(
    start_service: StartService, model_server: ModelServer, unique: Unique
) -> None:
    build()
    gate = Gate()
    gate.say("as far as it came")
    service = start_service(workers=1, AGENT_API_KEYS=KEYS, **model_server.environment())
    prompt = model_server.script(unique("javascript"), gate)
    came = json.loads(run_node(["js/try.mjs", service.url, WEB, prompt, "in blue"]))
    assert came["state"]["messages"] == ["in blue"]
    assert came["state"]["text"] == "as far as it came"
    assert came["state"]["end"]["code"] == came["status"] == "cancelled"
    assert (came["asked"], came["refusal"]) == (2, 404)
